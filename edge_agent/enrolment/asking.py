"""What a node asks its aggregator while it joins or renews, over HTTPS and nothing else."""

import http.client
import json
import ssl
from typing import Final
from urllib.parse import urlsplit

from contract.enrolment import ANSWER_LIMIT_BYTES, ROUTES
from edge_agent.errors import EnrolmentError

TIMEOUT_S: Final = 20.0
_AUTHORITY_LIMIT_BYTES: Final = 16_000


def authority_of(url: str) -> bytes:
    """The certificate that the server calls its fleet's authority (DER). Nothing vouches for it yet."""
    context = ssl.create_default_context()
    # Whoever answers may say what it likes: the token says which certificate it must be.
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    pem = _ask(url, "authority", None, context, _AUTHORITY_LIMIT_BYTES)
    try:
        return ssl.PEM_cert_to_DER_cert(pem.decode("ascii").strip())
    except (ValueError, UnicodeDecodeError) as error:
        raise EnrolmentError(f"{url}: no aggregator answers there") from error


def context_of(authority: bytes, *, trust_system: bool) -> ssl.SSLContext:
    """Believes servers for which that authority (DER) vouches; with ``trust_system`` the system's, too."""
    context = ssl.create_default_context() if trust_system else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cadata=authority)
    return context


def post(url: str, what: str, content: bytes, context: ssl.SSLContext) -> bytes:
    """The answer to ``content``; ``EnrolmentError`` says why there is none."""
    return _ask(url, what, content, context, ANSWER_LIMIT_BYTES)


def _ask(url: str, what: str, content: bytes | None, context: ssl.SSLContext, limit_bytes: int) -> bytes:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise EnrolmentError(f"{url[:100]!r} is no address that begins with https://")
    connection = http.client.HTTPSConnection(parts.hostname, parts.port, timeout=TIMEOUT_S, context=context)
    try:
        path = f"{parts.path.rstrip('/')}{ROUTES}/{what}"
        headers = {"Content-Type": "application/json"} if content is not None else {}
        connection.request("GET" if content is None else "POST", path, content, headers)
        response = connection.getresponse()
        answer = response.read(limit_bytes + 1)
    except ssl.SSLCertVerificationError as error:
        raise EnrolmentError(
            f"{parts.netloc} does not prove that it is this fleet's aggregator: {error.verify_message}"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        raise EnrolmentError(f"{parts.netloc}: {error}") from error
    finally:
        connection.close()
    if response.status not in (200, 204):
        raise EnrolmentError(_said(response.status, answer))
    if len(answer) > limit_bytes:
        raise EnrolmentError(f"{what}: the answer is longer than {limit_bytes} bytes")
    return answer


def _said(status: int, answer: bytes) -> str:
    """What a problem object says, on one line."""
    try:
        detail = str(json.loads(answer[:2000])["detail"])
    except (ValueError, KeyError, TypeError):
        detail = "it does not say why"
    plain = "".join(sign if sign.isprintable() else " " for sign in detail)[:300]
    return f"the aggregator refuses ({status}): {plain}"
