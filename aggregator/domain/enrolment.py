"""How a node stands with the fleet: invited, enrolled, revoked. Pure."""

from typing import Final

DUE_SHARE: Final = 1 / 3
"""A certificate with no more than this share of its time left should have been renewed."""


def standing(
    now_s: float,
    *,
    not_before_s: float | None,
    not_after_s: float | None,
    revoked: bool,
    token_until_s: float | None,
) -> str:
    """What the newest certificate says, if it is worth anything; else what the newest token says.

    >>> standing(5.0, not_before_s=0.0, not_after_s=9.0, revoked=False, token_until_s=None)
    'enrolled'
    >>> standing(5.0, not_before_s=None, not_after_s=None, revoked=False, token_until_s=4.0)
    'lapsed'
    """
    if not_before_s is not None and not_after_s is not None and not revoked:
        if now_s >= not_after_s:
            return "expired"
        late = not_after_s - now_s < (not_after_s - not_before_s) * DUE_SHARE * 0.9
        return "due" if late else "enrolled"
    if token_until_s is not None and now_s < token_until_s:
        return "invited"
    return "revoked" if not_before_s is not None or token_until_s is None else "lapsed"
