"""What nodes say of updates and shadows: stored once, kept through migrations, and turned into cards."""

from alembic import command
from sqlalchemy import text

from aggregator.domain.value import WEIGHTS
from aggregator.services.card_index import CardIndex
from aggregator.services.ingest import IngestService
from aggregator.services.labels import LabelService
from aggregator.store import schema
from aggregator.store.database import Database
from tests.aggregator.messages import NAMESPACE, NOW_S, birth, detection, disagreement, features, incoming
from tests.aggregator.messages import shadow as a_shadow
from tests.aggregator.messages import update as an_update


def rows(database: Database, table: str) -> list[dict[str, object]]:
    with database.read() as connection:
        found = connection.execute(text(f"SELECT * FROM {table} ORDER BY id"))
        return [dict(row) for row in found.mappings()]


def test_what_is_said_of_updates_is_stored_once(any_database: Database) -> None:
    said = [an_update(4, reason="no space"), disagreement(5), a_shadow(6)]
    ingest = IngestService(any_database, NAMESPACE, now=lambda: NOW_S)
    for _ in range(2):
        outcome = ingest.store([incoming(one) for one in said])
    assert (outcome.stored, outcome.duplicates) == (0, 3)
    assert outcome.receipts[0].acknowledgement.refused == ()
    (report,) = rows(any_database, "update_reports")
    assert (report["phase"], report["attempt"], report["rollout"]) == ("confirmed", 1, 1)
    (heard,) = rows(any_database, "shadow_reports")
    assert (heard["steps"], heard["agreed"]) == (1000, 970)
    assert '"rain": 2' in str(heard["counts"])
    (differed,) = rows(any_database, "disagreements")
    assert (differed["kind"], differed["label"], differed["candidate_posterior"]) == ("gained", "dog", 0.95)


def test_a_database_of_before_is_brought_to_rollouts_and_back(any_database: Database) -> None:
    IngestService(any_database, NAMESPACE).store([incoming(birth()), incoming(detection(1))])
    settings = schema.configuration()
    with any_database.write() as connection:
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0006")
    assert schema.inspect(any_database).found == "0006"
    schema.migrate(any_database)
    schema.require_current(any_database)
    assert len(rows(any_database, "detections")) == 1
    assert rows(any_database, "rollouts") == []
    IngestService(any_database, NAMESPACE).store([incoming(an_update(7))])
    assert len(rows(any_database, "update_reports")) == 1


def test_a_disagreement_with_a_shadow_comes_up_in_the_review(any_database: Database) -> None:
    ingest = IngestService(any_database, NAMESPACE, now=lambda: NOW_S)
    near = {"start_s": NOW_S - 1.5, "end_s": NOW_S - 1.0}
    far = {"start_s": NOW_S - 900.0, "end_s": NOW_S - 899.0}
    said = [
        birth(), disagreement(1, **near), disagreement(2, posterior=0.5, candidate_posterior=0.5, **far),
        features(3, reason="disagreement", detection=None),
        features(4, reason="disagreement", detection=None, start_s=NOW_S - 600.0),
        features(5, reason="random", detection=None, start_s=NOW_S - 300.0),
    ]  # fmt: skip
    ingest.store([incoming(one) for one in said])
    CardIndex(any_database, LabelService(any_database)).finish()
    with any_database.read() as connection:
        found = connection.execute(
            text("SELECT window_id, disagreement, value FROM cards ORDER BY value DESC")
        )
        cards = [tuple(row) for row in found]
    assert [(window, round(share, 2)) for window, share, _ in cards] == [(1, 0.9), (2, 0.5), (3, 0.0)]
    assert cards[0][2] - cards[2][2] > 0.9 * WEIGHTS["disagreement"]
