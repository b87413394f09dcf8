"""The generated configuration with certificates, on a real mosquitto: who gets in, and what they may do."""

import time
from collections.abc import Iterator

import pytest

from aggregator.errors import BrokerError
from aggregator.mqtt.caller import Caller
from aggregator.mqtt.eviction import evict, takes_canary
from aggregator.trust import certificates
from contract import topics
from tests.aggregator.certified_broker import CertifiedBroker, certified_broker
from tests.waiting import wait_until

DENIED = "Not authorized"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CertifiedBroker]:
    folder = tmp_path_factory.mktemp("certified")
    with certified_broker(folder, folder / "data") as running:
        yield running


def name(node: str, topic: topics.Topic) -> str:
    return topics.topic_name("soundpost", node, topic)


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda topic: topic.kind)
def test_node_a_as_node_b(broker: CertifiedBroker, topic: topics.Topic) -> None:
    """Of every topic: A neither writes nor reads B's; of its own it writes what nodes say, hears the rest."""
    with broker.node("a") as a, broker.node("b") as b, broker.aggregator() as aggregator:
        for one in (a, b):
            one.subscribe("#")
            one.subscribe(name("b", topic))
        aggregator.subscribe(topics.from_all_nodes("soundpost", topic))
        assert a.publish(name("b", topic), b"forged") == DENIED
        assert (a.publish(name("a", topic), b"own") == DENIED) != topic.from_node
        if topic.from_node:
            assert aggregator.wait_until(lambda: (name("a", topic), b"own") in aggregator.heard)
            assert aggregator.publish(name("b", topic), b"forged") == DENIED
        else:
            assert aggregator.publish(name("b", topic), b"for b") != DENIED
            assert aggregator.publish(name("a", topic), b"for a") != DENIED
            assert b.wait_until(lambda: (name("b", topic), b"for b") in b.heard)
            assert a.wait_until(lambda: (name("a", topic), b"for a") in a.heard)
        assert {heard for heard, _ in a.heard} <= {name("a", topic)}
        assert {heard for heard, _ in b.heard} <= {name("b", topic)}
        assert {content for _, content in aggregator.heard} <= {b"own"}


@pytest.mark.parametrize(
    "topic", ["soundpost/v1/a", "soundpost/v1/a/x", "soundpost/v2/a/birth", "x", "$SYS/x"]
)
def test_a_node_writes_nowhere_else(broker: CertifiedBroker, topic: str) -> None:
    with broker.node("a") as a:
        assert a.publish(topic, b"x") == DENIED


def test_nobody_hears_everything(broker: CertifiedBroker) -> None:
    """Mosquitto 2.0 grants ``#`` and delivers nothing by it that may not be read."""
    with broker.node("a") as a, broker.node("b") as b, broker.aggregator() as aggregator:
        for wanted in ("#", "+/#", "soundpost/v1/+/+", "soundpost/v1/b/#", "$SYS/#"):
            a.subscribe(wanted)
        b.publish(name("b", topics.GAP), b"secret")
        aggregator.publish(name("b", topics.COMMAND), b"secret")
        aggregator.publish(name("a", topics.COMMAND), b"for a")
        assert a.wait_until(lambda: bool(a.heard))
        assert {heard for heard, _ in a.heard} == {name("a", topics.COMMAND)}


def test_a_certificate_of_another_authority_is_refused(broker: CertifiedBroker) -> None:
    other, key = certificates.make_authority(time.time()), certificates.make_key()
    forged = certificates.together(key, other.issue("aggregator", key.public_key(), time.time(), 1.0))
    for door in (broker.nodes, broker.inner):
        with pytest.raises(BrokerError), Caller(door, forged, client_id="a"):
            pass


def test_nobody_comes_in_without_a_certificate(broker: CertifiedBroker) -> None:
    for door in (broker.nodes, broker.inner):
        with pytest.raises(BrokerError), Caller(door, None, client_id="a"):
            pass


def test_an_expired_certificate_is_refused(broker: CertifiedBroker) -> None:
    expired, _ = broker.identity("a", began_days_ago=5)
    with pytest.raises(BrokerError), Caller(broker.nodes, expired, client_id="a"):
        pass


def test_a_servers_certificate_lets_nobody_in(broker: CertifiedBroker) -> None:
    with (
        pytest.raises(BrokerError),
        Caller(
            broker.nodes, broker.authority.server("broker", broker.place.hosts).read_bytes(), client_id="a"
        ),
    ):
        pass


def test_a_revoked_certificate_is_refused_and_its_connection_ends(broker: CertifiedBroker) -> None:
    stolen, serial = broker.identity("a")
    with broker.node("b") as other, Caller(broker.nodes, stolen, client_id="anything") as thief:
        broker.revoke(serial)
        done = evict(broker.nodes, broker.authority, "a")
        assert done.refused
        assert thief.wait_until(lambda: thief.ended)
        with pytest.raises(BrokerError), Caller(broker.nodes, stolen, client_id="a"):
            pass
        with pytest.raises(BrokerError), Caller(broker.inner, stolen, client_id="a"):
            pass
        assert not other.ended
        with broker.node("a") as anew:  # another certificate of the same name counts
            assert anew.publish(name("a", topics.GAP), b"x") != DENIED


def test_a_broker_that_does_not_read_the_list_is_noticed(broker: CertifiedBroker) -> None:
    broker.authority.publish(lambda: [("0" * 39 + "1", time.time())])
    assert takes_canary(broker.nodes, broker.authority)
    done = evict(broker.nodes, broker.authority, "a", patience_s=0.0)
    assert not done.refused
    broker.revoke()
    wait_until(lambda: not takes_canary(broker.nodes, broker.authority), "the list is read")


def test_a_node_cannot_push_another_out_by_its_client_id(broker: CertifiedBroker) -> None:
    with (
        broker.node("b") as b,
        broker.node("a", client_id="b"),
        broker.node("a", client_id="soundpost-aggregator"),
    ):
        assert b.publish(name("b", topics.GAP), b"x") != DENIED
        assert not b.ended


def test_what_is_too_large_is_refused_before_it_is_read(broker: CertifiedBroker) -> None:
    with broker.node("a") as a:
        assert a.publish(name("a", topics.FEATURES), bytes(900_000)) != DENIED
        assert a.largest_packet_bytes == 1_010_000
        assert a.publish(name("a", topics.FEATURES), bytes(1_000_001)) in ("Packet too large", "hung up")
        a.publish(name("a", topics.FEATURES), bytes(1_100_000))
        assert a.wait_until(lambda: a.ended)
