"""Where a node stands, as its last birth says."""

import json


def site_of(birth: str | None) -> str:
    """The site in a stored birth; empty if there is none.

    >>> site_of('{"site": "barn"}'), site_of(None)
    ('barn', '')
    """
    return str(json.loads(birth).get("site", "")) if birth else ""
