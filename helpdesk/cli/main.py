"""The command line. Each command imports its work when it runs; `helpdesk --help` imports click alone."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from helpdesk.cli.check import check
from helpdesk.cli.common import NUMBER, db, faq, staff, with_database
from helpdesk.cli.data import data
from helpdesk.cli.exclusions import exclusions
from helpdesk.cli.golden import golden
from helpdesk.cli.nights import explain_lines, nights, read_proofs
from helpdesk.cli.robustness import report
from helpdesk.cli.simulate import simulate
from helpdesk.cli.why import why
from helpdesk.errors import BusyError, HelpdeskError

if TYPE_CHECKING:
    from helpdesk.learning.night.plan import Plan
    from helpdesk.progress import Reporter
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings

EXIT_KEPT = 10
EXIT_BUSY = 75


def main() -> None:
    """Run the command line: a named error is one message and exit code 1 (75 when another run holds the lock)."""
    try:
        cli(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BusyError as error:
        click.echo(f"helpdesk: {error}", err=True)
        sys.exit(EXIT_BUSY)
    except HelpdeskError as error:
        click.echo(f"helpdesk: {error}", err=True)
        sys.exit(1)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """A helpdesk chatbot backend that knows when it does not know, and gets better every night."""


data.add_command(check)
for command in (data, db, exclusions, faq, golden, nights, report, simulate, staff, why):
    cli.add_command(command)


@cli.command()
@click.option("--empty", is_flag=True, help="Do not load the starter FAQ.")
@with_database
def init(settings: "Settings", database: "Database", empty: bool) -> None:
    """Migrate, load the starter FAQ, make a login and build the first bundle; what exists is kept."""
    from helpdesk.operations import set_up

    for line in set_up(settings, database, starter_faq=not empty, progress=_bars()):
        click.echo(line)


@cli.command()
def serve() -> None:
    """Serve webhook, chat page and labelling page with gunicorn."""
    from helpdesk.operations import exec_server
    from helpdesk.settings import load_settings

    exec_server(load_settings())


@cli.command()
@click.option("--port", type=int, default=None, help="Port to listen on.")
def demo(port: int | None) -> None:
    """Serve a temporary copy with the starter FAQ, sample traffic and a filled labelling queue."""
    from helpdesk.demo import run_demo

    run_demo(port=port, progress=_bars())


@cli.command()
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@with_database
def match(settings: "Settings", database: "Database", text: str, as_json: bool) -> None:
    """Show what the bot would decide about TEXT, its ranking and the reason. Nothing is logged."""
    from helpdesk.serving.chat_service import ChatService
    from helpdesk.serving.live import LiveMatcher

    live = LiveMatcher(database, settings)
    live.refresh()
    if live.take() is None:
        raise HelpdeskError(live.status().reason or "no version serves")
    decision, version = ChatService(database, live, settings).match(text)
    facts = {"text": text, "version": version, **decision.columns()}
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    click.echo(f"{decision.kind} ({decision.reason}), version {version}, thresholds {facts['thresholds']}")
    for row in facts["ranking"]:
        similarity = (
            "" if row["similarity"] is None else f"  similarity {row['similarity']:.3f}  {row['nearest'] or ''}"
        )
        click.echo(f"  {row['confidence']:.3f}  {row['intent']}{similarity}")


@cli.command()
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=None, help="Fine-tuning budget.")
@click.option("--steps", type=click.IntRange(min=1), default=None, help="Most steps of one training, on any machine.")
@click.option("--no-finetune", is_flag=True, help="Build only the refreshed candidate.")
@click.option("--dry-run", is_flag=True, help="Build and judge, promote nothing.")
@click.option("--without", metavar="WHAT", help="Leave out annotator=NAME, source=KIND or row=ID; show what changes.")
@click.option("--since", metavar="DATE", help="With --without: only rows made since then (UTC).")
@click.option("--promote", is_flag=True, help="With --without: if the gate agrees, promote and leave out for good.")
@click.option("--explain", is_flag=True, help="Show the versions side by side, and what changes between them.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, the explanation in it.")
@with_database
def retrain(settings: "Settings", database: "Database", explain: bool, as_json: bool, **options: Any) -> None:
    """Learn from the FAQ and the labels; promote a better version. For cron.

    Exit codes: 0 a version was promoted (or --dry-run or --without was asked for and is done), 10 the version in
    service was kept, 75 another run is busy, 1 failed; what serves is whole.
    """
    from helpdesk.threads import cap_native_threads

    cap_native_threads(settings.train_threads)
    from helpdesk.learning.lineage.exclusion_impact import describe
    from helpdesk.learning.night.budget import step_back
    from helpdesk.learning.night.run import run_night

    plan = _plan(settings, **options)
    step_back()
    report = run_night(settings, database, plan=plan, progress=_bars())
    click.echo(json.dumps(report.as_json(), ensure_ascii=False) if as_json else report.as_text())
    if explain and not as_json:
        click.echo("\n".join(["", *explain_lines(report, proofs=read_proofs(database, report))]))
    if report.impact is not None and not as_json:
        with database.read() as session:
            click.echo("\n".join(describe(session, report.impact)))
    if report.verdict == "kept" and not report.dry_run:
        sys.exit(EXIT_KEPT)


@cli.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
@click.pass_context
def versions(context: click.Context, as_json: bool) -> None:
    """List the versions that were built, newest first; the one in service is marked."""
    if context.invoked_subcommand is None:
        _list_versions(as_json)


@versions.command("promote")
@click.argument("version_id", type=NUMBER)
@with_database
def promote_version(settings: "Settings", database: "Database", version_id: int) -> None:
    """Put a version in service; running processes swap within two seconds."""
    from helpdesk.operations import put_in_service

    put_in_service(settings, database, version_id, reason="promoted by hand")
    click.echo(f"version {version_id} is in service")


@cli.command()
@with_database
def rollback(settings: "Settings", database: "Database") -> None:
    """Put the version back that served before; nights then promote nothing until `versions promote`."""
    from helpdesk.operations import put_in_service
    from helpdesk.records.versions import ROLLBACK, rollback_target

    with database.read() as session:
        version_id = rollback_target(session)
    put_in_service(settings, database, version_id, reason=ROLLBACK)
    click.echo(f"version {version_id} is in service")
    click.echo(f"nights promote nothing until `helpdesk versions promote {version_id}` (or any other version)")


@cli.command()
def config() -> None:
    """Print every setting in force, secrets hidden."""
    from helpdesk.settings import load_settings

    settings = load_settings()
    for name, field in type(settings).model_fields.items():
        click.echo(f"HELPDESK_{name.upper()}={getattr(settings, name)}  # {field.description}")


def _plan(
    settings: "Settings",
    *,
    minutes: float | None,
    steps: int | None,
    no_finetune: bool,
    dry_run: bool,
    without: str | None,
    since: str | None,
    promote: bool,
) -> "Plan":
    """What the options of `retrain` ask for. What is left out is only tried, unless it is to be promoted."""
    from helpdesk.learning.night.plan import Plan
    from helpdesk.records.exclusions import parse_exclusion

    if without is None and (since is not None or promote):
        raise click.UsageError("--since and --promote go with --without")
    return Plan(
        minutes=minutes or settings.train_minutes,
        finetune=not no_finetune,
        dry_run=dry_run or (without is not None and not promote),
        max_steps=steps,
        without=None if without is None else parse_exclusion(without, since=since),
    )


def _list_versions(as_json: bool) -> None:
    from helpdesk.records.database import open_database
    from helpdesk.records.versions import current, list_versions
    from helpdesk.settings import load_settings

    with open_database(load_settings()).read() as session:
        serving = current(session)
        rows = [
            {
                "version": version.id,
                "kind": version.kind,
                "verdict": version.verdict,
                "created": version.created_at.isoformat(timespec="seconds"),
                "in_service": serving is not None and serving.version_id == version.id,
            }
            for version in list_versions(session)
        ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        mark = "*" if row["in_service"] else " "
        click.echo(f"{mark} {row['version']:>4}  {row['kind']:<10} {row['verdict']:<8} {row['created']}")


def _bars() -> "Reporter":
    from helpdesk.progress import Bars

    return Bars()
