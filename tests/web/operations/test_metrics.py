"""Operators see what serves, what waits and how the last night ended."""

import time
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from helpdesk.records import labels, versions
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.tables import Night
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings


def figures(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """Every sample of a scrape, by name and label values."""
    response = client.get("/metrics")
    assert response.status_code == 200
    assert response.content_type.startswith("text/plain; version=")
    families = text_string_to_metric_families(response.text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_a_scrape_tells_version_messages_labels_queue_and_night(client: FlaskClient, records: Database) -> None:
    """From the database, so that any worker says the same."""
    answered = client.post("/api/v1/messages", json={"session_id": "a", "text": "forgot my password"})
    client.post("/api/v1/messages", json={"session_id": "a", "text": "what is the capital of peru"})
    unknown = client.post("/api/v1/messages", json={"session_id": "a", "text": "who won the match"}).get_json()
    assert answered.get_json()["decision"] == "answer"
    with records.write() as session:
        labels.label_message(session, unknown["message_id"], kind="out_of_scope", staff_id=1, holdout_share=0)
    found = figures(client)

    assert found[("helpdesk_ready",)] == found[("helpdesk_database_up",)] == 1
    assert found[("helpdesk_version_in_service",)] == 1
    assert found[("helpdesk_messages_total", "answer")] == 1
    assert found[("helpdesk_messages_total", "fallback")] == 2
    assert found[("helpdesk_labels", "out_of_scope")] == 1
    assert found[("helpdesk_queue_length", "fallback")] == 1
    assert found[("helpdesk_last_night_verdict", "promoted")] == 1
    assert found[("helpdesk_last_night_verdict", "failed")] == 0
    assert found[("helpdesk_last_night_age_seconds",)] >= 0


def test_a_failed_night_shows_in_metrics_and_readyz(client: FlaskClient, records: Database) -> None:
    """With its age, on every host; the process is ready all the same."""
    with records.write() as session:
        session.execute(update(Night).values(verdict="failed", finished_at=now() - timedelta(hours=3)))
    ready = client.get("/readyz")

    assert figures(client)[("helpdesk_last_night_verdict", "failed")] == 1
    assert ready.status_code == 200
    assert ready.get_json()["last_night"]["verdict"] == "failed"
    assert 10000 < ready.get_json()["last_night"]["age_seconds"] < 11000


def test_what_processes_serve_and_refuse_is_counted(client: FlaskClient, settings: Settings, records: Database) -> None:
    """A real matcher follows a promotion whose bundle is damaged: it goes on serving, and the figure says so."""
    matcher = LiveMatcher(records, settings.model_copy(update={"poll_seconds": 0.05}))
    matcher.start()
    try:
        assert figures(client)[("helpdesk_serving_processes", "1")] == 1
        (settings.bundles / "damaged").mkdir()
        with records.write() as session:
            version = versions.add_version(
                session, "damaged", kind="refreshed", parent_id=1, rows_hash="x", verdict="promote", report={}
            )
            versions.promote(session, version.id, reason="test", author="test")
        found = _wait_for(client, ("helpdesk_promotion_refused_processes",), 1)
        assert found[("helpdesk_serving_processes", "1")] == 1
        assert found[("helpdesk_version_in_service",)] == version.id
    finally:
        matcher.stop()


def test_with_the_database_gone_a_scrape_still_answers(
    client: FlaskClient, settings: Settings, records: Database
) -> None:
    """It says that the database is down, and what the process knows by itself."""
    records.close()
    (settings.home / "helpdesk.db").rename(settings.home / "gone.db")
    (settings.home / "helpdesk.db").mkdir()
    found = figures(client)

    assert found[("helpdesk_database_up",)] == 0
    assert found[("helpdesk_ready",)] == 0
    assert ("helpdesk_last_night_verdict", "promoted") not in found
    assert ("helpdesk_version_in_service",) not in found


def _wait_for(client: FlaskClient, figure: tuple[str, ...], value: float) -> dict[tuple[str, ...], float]:
    for _ in range(200):
        found = figures(client)
        if found[figure] == value:
            return found
        time.sleep(0.05)
    pytest.fail(f"{figure} is not {value}")
