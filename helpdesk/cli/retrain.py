"""`helpdesk retrain`: one night."""

import json
from typing import TYPE_CHECKING, Any

import click

from helpdesk.cli.common import progress_bars, say, with_database
from helpdesk.cli.nights import explain_lines, read_proofs

if TYPE_CHECKING:
    from helpdesk.learning.night.plan import Plan
    from helpdesk.records.database import Database
    from helpdesk.settings import Settings

EXIT_KEPT = 10


@click.command()
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), default=None, help="Fine-tuning budget.")
@click.option("--steps", type=click.IntRange(min=1), default=None, help="Most steps of one training, on any machine.")
@click.option("--no-finetune", is_flag=True, help="Build only the refreshed candidate.")
@click.option("--dry-run", is_flag=True, help="Build and judge, promote nothing.")
@click.option("--without", metavar="WHAT", help="Leave out annotator=NAME, source=KIND or row=ID; show what changes.")
@click.option("--since", metavar="DATE", help="With --without: only rows made since then (UTC).")
@click.option("--promote", is_flag=True, help="With --without: if the gate agrees, promote and leave out for good.")
@click.option("--explain", is_flag=True, help="Show the versions side by side, and what changes between them.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON, the explanation in it.")
def retrain(**options: Any) -> None:
    """Learn from the FAQ and the labels; promote a better version. For cron.

    Exit codes: 0 a version was promoted (or --dry-run or --without was asked for and is done), 10 the version in
    service was kept, 75 another run is busy, 1 failed; what serves is whole.
    Under torchrun the first process runs the night, and the others fine-tune with it.
    """
    from helpdesk.learning.training.several_processes import follows

    if follows():
        _follow()
    else:
        _night(**options)


def _follow() -> None:
    from helpdesk.settings import load_settings
    from helpdesk.threads import cap_native_threads

    settings = load_settings()
    cap_native_threads(settings.train_threads)
    from helpdesk.learning.night.budget import step_back
    from helpdesk.learning.training.follow import follow

    step_back()
    follow(settings)


@with_database
def _night(settings: "Settings", database: "Database", *, explain: bool, as_json: bool, **options: Any) -> None:
    from helpdesk.threads import cap_native_threads

    cap_native_threads(settings.train_threads)
    from helpdesk.learning.lineage.exclusion_impact import describe
    from helpdesk.learning.night.budget import step_back
    from helpdesk.learning.night.run import run_night
    from helpdesk.learning.training.several_processes import joined

    plan = _plan(settings, **options)
    step_back()
    with joined():
        report = run_night(settings, database, plan=plan, progress=progress_bars())
    click.echo(json.dumps(report.as_json(), ensure_ascii=False) if as_json else report.as_text())
    if explain and not as_json:
        say("\n".join(["", *explain_lines(report, proofs=read_proofs(database, report))]))
    if report.impact is not None and not as_json:
        with database.read() as session:
            say("\n".join(describe(session, report.impact)))
    if report.verdict == "kept" and not report.dry_run:
        click.get_current_context().exit(EXIT_KEPT)


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
