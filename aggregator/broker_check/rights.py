"""What those who are let in may do: two made-up nodes try everything against each other."""

from dataclasses import dataclass
from typing import Final

from aggregator.broker_check.doors import REGENERATE
from aggregator.broker_check.finding import Finding
from aggregator.broker_files.rules import LARGEST_MESSAGE_BYTES
from aggregator.mqtt.caller import HUNG_UP, NO_ANSWER, Caller, Door
from aggregator.services.authority import AGGREGATOR, AuthorityService
from contract import topics

DENIED: Final = "Not authorized"
TOO_LARGE: Final = ("Packet too large", HUNG_UP)
_CONTENT: Final = b"check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two nodes that do not exist."""

    a: str
    b: str
    namespace: str

    def topic(self, node: str, kind: str) -> str:
        """As ``contract.topics`` has it, without asking whether there is such a node."""
        return f"{self.namespace}/{topics.VERSION}/{node}/{kind}"


def names(door: Door, authority: AuthorityService, pair: Pair) -> Finding:
    """Whether a node can take over another's connection by its client id."""
    with (
        Caller(door, authority.signed_in(pair.b), client_id=pair.b) as other,
        Caller(door, authority.signed_in(pair.a), client_id=pair.b),
    ):
        # Whoever was pushed out gets no answer any more, not even a refusal.
        if other.publish("elsewhere", _CONTENT) in (HUNG_UP, NO_ANSWER):
            return Finding(what="client ids", ok=False, says="one node can push another out", mend=REGENERATE)
    return Finding(what="client ids", ok=True, says="no node can take over another's connection")


def writing(door: Door, authority: AuthorityService, pair: Pair) -> Finding:
    """Whether a node can write as another, as the aggregator, or elsewhere."""
    wanted = [pair.topic(pair.b, topic.kind) for topic in topics.ALL]
    wanted += [pair.topic(pair.a, topic.kind) for topic in topics.ALL if not topic.from_node]
    wanted += [pair.topic(pair.a, "unheard-of"), "elsewhere", f"{pair.namespace}/{topics.VERSION}"]
    with Caller(door, authority.signed_in(pair.a), client_id=pair.a) as node:
        taken = [topic for topic in wanted if node.publish(topic, _CONTENT) != DENIED]
    if taken:
        return Finding(what="writing", ok=False, says=f"a node may write {taken[0]}", mend=REGENERATE)
    return Finding(what="writing", ok=True, says=f"{len(wanted)} topics that are not its own: refused")


def reading(door: Door, inner: Door, authority: AuthorityService, pair: Pair) -> Finding:
    """Whether a node reads what it is told, and nothing else, whatever it subscribes to.

    A broker may refuse a subscription such as ``#``, or grant it and deliver only what may be read.
    """
    filters = ("#", "+/+/+/+", "$SYS/#", *(pair.topic("+", topic.kind) for topic in topics.ALL))
    sent = [(node, topic.kind) for topic in topics.ALL if not topic.from_node for node in (pair.b, pair.a)]
    with (
        Caller(door, authority.signed_in(pair.a), client_id=pair.a) as node,
        Caller(inner, authority.signed_in(AGGREGATOR), client_id=f"check-{pair.a}") as aggregator,
    ):
        for one in filters:
            node.subscribe(one)
        refused = [kind for to, kind in sent if aggregator.publish(pair.topic(to, kind), _CONTENT) == DENIED]
        if refused:
            return Finding(
                what="reading", ok=False, says=f"the aggregator may not write {refused[0]}", mend=REGENERATE
            )
        own = {pair.topic(to, kind) for to, kind in sent if to == pair.a}
        node.wait_until(lambda: own <= {topic for topic, _ in node.heard})
        heard = {topic for topic, _ in node.heard}
    if missing := own - heard:
        says = f"a node does not hear {min(missing)}"
    elif heard - own:
        says = f"a node hears {min(heard - own)}"
    else:
        return Finding(what="reading", ok=True, says="a node hears its own commands alone, also with #")
    return Finding(what="reading", ok=False, says=says, mend=REGENERATE)


def sizes(door: Door, authority: AuthorityService, pair: Pair) -> Finding:
    """Whether a message that is too large is refused."""
    with Caller(door, authority.signed_in(pair.a), client_id=pair.a) as node:
        word = node.publish(pair.topic(pair.b, topics.FEATURES.kind), bytes(LARGEST_MESSAGE_BYTES + 1))
        says_so = node.largest_packet_bytes is not None
    if word in TOO_LARGE and says_so:
        return Finding(what="size", ok=True, says=f"more than {LARGEST_MESSAGE_BYTES} bytes are refused")
    says = f"{LARGEST_MESSAGE_BYTES + 1} bytes: {word}" if says_so else "packets of any size are read"
    return Finding(what="size", ok=False, says=says, mend=REGENERATE)
