"""What a node is given: what it should run, and the one bundle of that; over HTTP, or in pieces over MQTT."""

import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from aggregator.domain.published import Published
from aggregator.errors import DeliveryRefusedError, UnknownOtaFileError
from aggregator.services.bandwidth import Bandwidth
from aggregator.services.ota_repository import OtaRepository
from contract.checks import NAME
from contract.updates import Desired, Fetch, Piece

_METADATA: Final = "metadata/"
_TARGETS: Final = "targets/"


class Wishes(Protocol):
    """What nodes should run."""

    def desired(self, node: str) -> Desired | None:
        """What ``node`` should run; None if nothing was ever said."""

    def may_fetch(self, node: str, digest: str) -> bool:
        """Whether ``node`` should run the bundle ``digest``, now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A bundle for a node."""

    path: Path
    published: Published


class OtaDelivery:
    """Answers nodes. Safe for use by many threads."""

    def __init__(self, repository: OtaRepository, wishes: Wishes, bandwidth: Bandwidth) -> None:
        self._repository = repository
        self._wishes = wishes
        self.bandwidth = bandwidth

    def metadata(self, name: str) -> bytes | None:
        """A file of metadata, which everybody may have; None if there is none of that name."""
        return self._repository.metadata(name)

    def knows(self, node: str, token: str) -> bool:
        """Whether ``token`` is the one that ``node`` was told."""
        if not NAME.fullmatch(node):
            return False
        return hmac.compare_digest(token.encode(), self._repository.token(node).encode())

    def desired(self, node: str) -> Desired | None:
        """What ``node`` should run; None if nothing was ever said."""
        return self._wishes.desired(node)

    def target(self, node: str, name: str) -> Delivered:
        """The bundle ``<digest>.<target>`` for ``node``.

        Raises ``UnknownOtaFileError`` if it is not published, ``DeliveryRefusedError`` if not for that node.
        """
        published = next((one for one in self._repository.published() if one.file_name == name), None)
        path = self._repository.target(name) if published else None
        if published is None or path is None:
            raise UnknownOtaFileError("no such bundle is published")
        if not published.allows(node):
            raise DeliveryRefusedError(f"{published.target} is for other nodes than {node}")
        if not self._wishes.may_fetch(node, published.digest):
            raise DeliveryRefusedError(f"{published.target} is not what {node} should run")
        return Delivered(path=path, published=published)

    def piece(self, node: str, asked: Fetch) -> Piece:
        """The answer to ``asked``. Whatever is wrong is in its status."""
        try:
            content, total = self._part(node, asked)
        except (UnknownOtaFileError, FileNotFoundError):
            return _without(asked, 404)
        except DeliveryRefusedError:
            return _without(asked, 403)
        if asked.offset > total:
            return _without(asked, 416, total)
        if not self.bandwidth.try_now(node, len(content)):
            return _without(asked, 429, total)
        return Piece(id=asked.id, total=total, content=content, status=206)

    def _part(self, node: str, asked: Fetch) -> tuple[bytes, int]:
        if asked.path.startswith(_METADATA):
            content = self._repository.metadata(asked.path.removeprefix(_METADATA))
            if content is not None:
                return content[asked.offset : asked.offset + asked.length], len(content)
        elif asked.path.startswith(_TARGETS):
            delivered = self.target(node, asked.path.removeprefix(_TARGETS))
            with delivered.path.open("rb") as file:
                file.seek(asked.offset)
                return file.read(asked.length), delivered.published.size_bytes
        raise UnknownOtaFileError("there is no such file")


def _without(asked: Fetch, status: int, total: int = 0) -> Piece:
    return Piece(id=asked.id, total=total, content=b"", status=status)
