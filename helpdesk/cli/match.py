"""`helpdesk match`: what the bot would decide."""

import json
from typing import TYPE_CHECKING

import click

from helpdesk.cli.common import say, with_database

if TYPE_CHECKING:
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings


@click.command()
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_database
def match(settings: "Settings", database: "Database", text: str, as_json: bool) -> None:
    """Show what the bot would decide about TEXT, its ranking and the reason. Nothing is logged."""
    from helpdesk.errors import NotFoundError
    from helpdesk.serving.live import LiveMatcher
    from helpdesk.serving.match_service import MatchService

    live = LiveMatcher(database, settings, once=True)
    live.refresh()
    if live.take() is None:
        raise NotFoundError(live.status().problem or "no version serves")
    decision, version = MatchService(live, settings).match(text)
    facts = {"text": text, "version": version, **decision.columns()}
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    say(f"{decision.kind} ({decision.reason}), version {version}, thresholds {facts['thresholds']}")
    for row in facts["ranking"]:
        similarity = (
            "" if row["similarity"] is None else f"  similarity {row['similarity']:.3f}  {row['nearest'] or ''}"
        )
        say(f"  {row['confidence']:.3f}  {row['intent']}{similarity}")
