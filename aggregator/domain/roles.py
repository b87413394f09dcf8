"""What somebody may do: a role gives permissions, and whoever has several roles has those of all. Pure."""

from collections.abc import Iterable
from enum import StrEnum
from types import MappingProxyType
from typing import Final


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
