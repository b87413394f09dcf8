import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import topics
from contract.errors import WireError


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda topic: topic.kind)
def test_a_name_leads_back_to_its_topic(topic: topics.Topic) -> None:
    assert topics.parse_topic("farm", topics.topic_name("farm", "node-1", topic)) == ("node-1", topic)


@given(st.text(max_size=80))
def test_any_name_is_parsed_or_refused(name: str) -> None:
    with pytest.raises(WireError):
        topics.parse_topic("soundpost", name)


@pytest.mark.parametrize("node", ["", "a/b", "+", "#", "Ünit", "a.b", "-a", "x" * 65, "a\n"])
def test_a_bad_node_name_is_refused(node: str) -> None:
    with pytest.raises(WireError):
        topics.topic_name("soundpost", node, topics.BIRTH)
    with pytest.raises(WireError):
        topics.parse_topic("soundpost", f"soundpost/v1/{node}/birth")


def test_only_facts_are_retained() -> None:
    assert {topic.kind for topic in topics.ALL if topic.retain} == {"birth", "state", "desired"}


def test_what_is_durable_goes_at_least_once() -> None:
    assert all(topic.qos == 1 for topic in topics.ALL if topic.durable)
