"""Codes of an app on the telephone (TOTP, RFC 6238), beside the password."""

import hmac
import io
from typing import Final

import pyotp
import segno

STEP_S: Final = 30
_ISSUER: Final = "Soundpost"
_TOLERATED_STEPS: Final = 1
"""So many codes before and after the one of now are taken: clocks differ."""


def new_secret() -> str:
    """A secret for the app, in base 32."""
    return pyotp.random_base32()


def address(secret: str, name: str) -> str:
    """What the app reads out of the picture: ``otpauth://…``."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=_ISSUER)


def picture(uri: str) -> str:
    """The address as a QR code: an SVG element without style or script, dark on white."""
    return segno.make(uri, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff")


def drawn(uri: str) -> str:
    """The address as a QR code for a terminal."""
    text = io.StringIO()
    segno.make(uri, error="l").terminal(text, compact=True)
    return text.getvalue()


def step_of(secret: str, code: str, now_s: float) -> int | None:
    """The step of time whose code ``code`` is; None if it is none of those that are taken now.

    >>> step_of("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "702218", 0.0)
    0
    """
    sent = "".join(code.split()).encode()
    now = int(now_s // STEP_S)
    found = None
    for step in range(max(now - _TOLERATED_STEPS, 0), now + _TOLERATED_STEPS + 1):
        right = pyotp.TOTP(secret).at(step * STEP_S).encode()
        if hmac.compare_digest(right, sent):
            found = step
    return found
