"""A topic or field that docs/protocol.md does not document fails the build."""

from contract.reference import reference
from contract.topics import ALL
from contract.wire import RECORDS
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "protocol.md").read_text()


def test_the_page_holds_the_reference_as_it_is() -> None:
    assert reference() in PAGE, "run `make docs`"


def test_each_topic_and_field_is_documented() -> None:
    for topic in ALL:
        assert f"/{topic.kind}`" in PAGE
        for field in RECORDS[topic.kind].__dataclass_fields__:
            assert f"| `{field}` |" in PAGE
