"""What somebody may do: a role gives permissions, and whoever has several roles has those of all. Pure."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from aggregator.domain.label_names import LONGEST_REVIEWER
from aggregator.errors import TokenError, UserError


class Permission(StrEnum):
    """One thing that a page, an address or a command asks for. Its value is also a scope of tokens."""

    SEE = "see"
    """Nodes, detections, spectrograms, reviews, trainings, releases, rollouts: everything but sound."""
    HEAR = "hear"
    """Stored windows as sound."""
    LISTEN = "listen"
    """What a node hears now."""
    TALK = "talk"
    """Speak through a node's loudspeaker."""
    REVIEW = "review"
    """Say what was heard, and take it back."""
    LABEL = "label"
    """Make, change and merge labels, and load files of labels."""
    EXPORT = "export"
    """Detections and labels as files."""
    NODES = "nodes"
    """Tell a node to report or what to publish, and allow that it is listened to."""
    SAMPLING = "sampling"
    """Say what nodes send to learn from."""
    RETRAIN = "retrain"
    """Ask for a training, or end it."""
    ACCEPT = "accept"
    """Accept or refuse a release."""
    ROLLOUT = "rollout"
    """Make and steer rollouts, pin nodes."""
    DELETE = "delete"
    """Delete windows, and what a node has sent."""
    AUDIT = "audit"
    """Read who did what."""
    USERS = "users"
    """Make and change users."""


class Role(StrEnum):
    """What an administrator gives to a user."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    LISTENER = "listener"
    OPERATOR = "operator"
    ADMIN = "admin"


ADMIN: Final = "admin"
"""The user that is there from the beginning."""

LONGEST_KEY: Final = 160

_P = Permission
PERMISSIONS: Final = MappingProxyType(
    {
        Role.VIEWER: frozenset({_P.SEE}),
        Role.REVIEWER: frozenset({_P.SEE, _P.HEAR, _P.REVIEW, _P.LABEL}),
        Role.LISTENER: frozenset({_P.SEE, _P.HEAR, _P.LISTEN, _P.TALK}),
        # Who keeps the fleet running needs no ear: an operator who listens is given that role as well.
        Role.OPERATOR: frozenset(
            {_P.SEE, _P.EXPORT, _P.NODES, _P.SAMPLING, _P.RETRAIN, _P.ACCEPT, _P.ROLLOUT}
        ),
        Role.ADMIN: frozenset(Permission),
    }
)
"""What each role gives."""


def permissions_of(roles: Iterable[Role]) -> frozenset[Permission]:
    """What ``roles`` together give.

    >>> [str(one) for one in sorted(permissions_of([Role.VIEWER, Role.LISTENER]))]
    ['hear', 'listen', 'see', 'talk']
    """
    return frozenset(permission for role in roles for permission in PERMISSIONS[role])


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who asks for something."""

    name: str
    permissions: frozenset[Permission]
    by_token: bool = False
    """A program in this person's name."""

    def may(self, permission: Permission | str) -> bool:
        """Whether this person has ``permission``; ``ValueError`` if there is none of that name."""
        return Permission(permission) in self.permissions


NOBODY: Final = Person(name="", permissions=frozenset())


def read_roles(words: Iterable[str]) -> tuple[Role, ...]:
    """Each role that ``words`` name, once and in order; ``UserError`` if one is no role, or there is none.

    >>> read_roles(["listener", "viewer", "viewer"])
    (<Role.VIEWER: 'viewer'>, <Role.LISTENER: 'listener'>)
    """
    named = set(words)
    if unknown := sorted(named - set(Role)):
        raise UserError(f"there is no role {unknown[0]!r}: roles are {', '.join(Role)}")
    if not named:
        raise UserError(f"a user needs a role: {', '.join(Role)}")
    return tuple(role for role in Role if role in named)


def read_scopes(words: Iterable[str]) -> tuple[Permission, ...]:
    """Each permission that ``words`` name, once and in order; ``TokenError`` if one is none or none is there.

    >>> read_scopes(["see"])
    (<Permission.SEE: 'see'>,)
    """
    named = set(words)
    if unknown := sorted(named - set(Permission)):
        raise TokenError(f"there is no scope {unknown[0]!r}: scopes are {', '.join(Permission)}")
    if not named:
        raise TokenError(f"a token needs a scope: {', '.join(Permission)}")
    return tuple(permission for permission in Permission if permission in named)


def user_name(text: str) -> str:
    """``text`` as the name of a user; ``UserError`` says what does not suit.

    >>> user_name("  Ada  Lovelace ")
    'Ada Lovelace'
    """
    name = " ".join(text.split())
    if not name or len(name) > LONGEST_REVIEWER or not name.isprintable():
        raise UserError(f"a user's name has 1 to {LONGEST_REVIEWER} characters that can be printed")
    if not name[0].isalnum() or "/" in name or len(name_key(name)) > LONGEST_KEY:
        raise UserError("a user's name begins with a letter or digit, and has no /")
    return name


def name_key(name: str) -> str:
    """What two names share that are one name: nobody shall pass for another by capitals.

    >>> name_key("Ada") == name_key(" ADA")
    True
    """
    return unicodedata.normalize("NFKC", " ".join(name.split())).casefold()
