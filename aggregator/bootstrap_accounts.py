"""Part of the composition root: who may use the dashboard."""

from typing import TYPE_CHECKING

from aggregator.settings import Settings
from aggregator.store.database import Database

if TYPE_CHECKING:
    from aggregator.services.accounts import AccountService
    from aggregator.services.tokens import TokenService
    from aggregator.services.users import UserService


def accounts(settings: Settings, opened: Database) -> "AccountService":
    """The door."""
    from aggregator.services.accounts import AccountService

    return AccountService(opened, settings.folder)


def users(opened: Database) -> "UserService":
    """What makes and changes users."""
    from aggregator.services.users import UserService

    return UserService(opened)


def tokens(opened: Database) -> "TokenService":
    """What makes and knows the tokens of programs."""
    from aggregator.services.tokens import TokenService

    return TokenService(opened)
