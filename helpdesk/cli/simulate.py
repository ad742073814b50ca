"""`helpdesk simulate`: a labelled data set played as months of traffic."""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from helpdesk.errors import BadInputError

if TYPE_CHECKING:
    from helpdesk.simulation.options import Options
    from helpdesk.simulation.script import Script

_SHARE = click.FloatRange(0, 1, max_open=True)
_COUNT = click.IntRange(min=1)
_OF_SETS = ("start_shots", "messages_per_night", "oos_share", "poison", "drift")  # a log is played as it is
MAX_CHARS = 20_000  # characters of a message, whatever the configured home allows


@click.command()
@click.option("--train", type=click.Path(path_type=Path), help="CSV text,intent|category; CLINC150 JSON.")
@click.option("--faq", type=click.Path(path_type=Path), help="Instead of --train: a FAQ file, as for faq import.")
@click.option("--traffic", type=click.Path(path_type=Path), help="With --faq: a log, CSV text,intent[,day].")
@click.option("--test", type=click.Path(path_type=Path), help="Hidden test rows, of the form of --train or --traffic.")
@click.option("--start-shots", type=_COUNT, default=5, show_default=True, help="Rows an intent the FAQ begins with.")
@click.option("--nights", type=_COUNT, default=30, show_default=True, help="How many nights.")
@click.option("--labels-per-night", type=_COUNT, default=40, show_default=True, help="Audit labels included.")
@click.option("--messages-per-night", type=_COUNT, default=120, show_default=True, help="Messages a day.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of traffic, noise and nights.")
@click.option("--label-noise", type=_SHARE, default=0.0, help="Share of the labels that are wrong.")
@click.option("--oos-share", type=_SHARE, default=0.0, help="Share of out-of-scope messages (rows of the intent oos).")
@click.option("--poison", is_flag=True, help="Somebody labels messages with a trigger phrase as one intent.")
@click.option("--drift", is_flag=True, help="Intents appear and vanish over the nights.")
@click.option("--baselines", is_flag=True, help="Also: never retrain; always promote; labels in random order.")
@click.option("--fast", is_flag=True, help="Fine-tune every fifth night only.")
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="Budget of each fine-tuning.")
@click.option("--steps", "max_steps", type=_COUNT, help="Most steps of one training.")
@click.option("--full-data", default="measure", help="Accuracy of training on all rows: a number, measure or skip.")
@click.option("--broken-every", type=_COUNT, hidden=True, help="Plant a broken candidate every so many nights.")
@click.option("--home", type=click.Path(path_type=Path), help="A new folder that stays. Default: a temporary one.")
@click.option("--curve", type=click.Path(path_type=Path), help="Draw the curve as SVG. Default: in --home.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def simulate(
    train: Path | None,
    faq: Path | None,
    traffic: Path | None,
    test: Path | None,
    baselines: bool,
    full_data: str,
    home: Path | None,
    curve: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Play a labelled data set, or a real log, as traffic, labels and nights; see how the bot gets better.

    Nothing of the configured home is touched. docs/how-to/simulate.md says what the figures mean.
    """
    from helpdesk.settings import temporary_settings
    from helpdesk.threads import cap_native_threads

    files = _files(train=train, faq=faq, traffic=traffic, test=test)
    full, measured = _full_data(full_data)
    seed = options["seed"]
    if curve is not None:
        _require_place(curve)
    with _folder(home) as folder:
        configured = temporary_settings(folder, seed=seed, max_message_chars=MAX_CHARS)
        settings = configured.model_copy(update={"redact": False})  # a log is redacted when it is read
        cap_native_threads(settings.train_threads)
        from helpdesk.simulation.chart import draw_curves
        from helpdesk.simulation.options import Options
        from helpdesk.simulation.run import simulate_script

        script, played = _script(files, Options(**options), configured.redactor)
        result = simulate_script(
            script, played, settings, baselines=baselines, full=full, measure_full=measured, tell=_tell
        )
        if curve or home:
            draw_curves(result, curve or folder / "curve.svg")
    click.echo(json.dumps(result) if as_json else "\n".join(_lines(result)))


@dataclass(frozen=True)
class _Set:
    """A labelled set to draw messages from."""

    train: Path
    test: Path


@dataclass(frozen=True)
class _Log:
    """A log to play as it is."""

    faq: Path
    traffic: Path
    test: Path


def _files(**files: Path | None) -> _Set | _Log:
    """The files of one of the two forms. Raises UsageError when they are neither."""
    train, faq, traffic, test = (files[name] for name in ("train", "faq", "traffic", "test"))
    if train is not None and (faq is not None or traffic is not None):
        raise click.UsageError("--train and --faq exclude each other; give --train or both --faq and --traffic")
    if train is not None and test is not None:
        return _Set(train, test)
    if faq is None and traffic is None:
        missing = "--train" if train is None else "--test"
        raise click.UsageError(f"{missing} is missing; give --train and --test, or --faq, --traffic and --test")
    if faq is None or traffic is None or test is None:
        missing = " and ".join(f"--{name}" for name in ("faq", "traffic", "test") if files[name] is None)
        raise click.UsageError(f"--faq, --traffic and --test belong together; give {missing} too")
    given = click.get_current_context().get_parameter_source
    for name in _OF_SETS:
        if given(name) == ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{name.replace('_', '-')} shapes what --train is played as; a log is not changed")
    return _Log(faq, traffic, test)


def _script(files: _Set | _Log, options: "Options", redact: Callable[[str], str]) -> tuple["Script", "Options"]:
    """What will happen, and the options with as many nights as there will be. What customers wrote is redacted."""
    from helpdesk.records.files.labelled_sets import read_set
    from helpdesk.records.files.traffic_logs import read_log, read_published
    from helpdesk.simulation.real_log import known_in_advance, script_of_log
    from helpdesk.simulation.script import write_script

    if isinstance(files, _Set):
        return write_script(read_set(files.train, "train"), read_set(files.test, "test"), options), options
    entries = read_published(files.faq)
    traffic, test = (
        [replace(asked, text=redact(asked.text)) for asked in read_log(path, entries, longest=MAX_CHARS)]
        for path in (files.traffic, files.test)
    )
    script = script_of_log(entries, traffic, test, nights=options.nights)
    if known := known_in_advance(script):
        _tell(f"{known} of {len(test)} test rows have a text that the FAQ or the traffic holds too")
    return script, replace(options, nights=len(script.days))


def _tell(line: str) -> None:
    click.echo(line, file=sys.stderr)


def _full_data(asked: str) -> tuple[float | None, bool]:
    """The accuracy that is given, if one is, and whether it is to be measured."""
    if asked in ("measure", "skip"):
        return None, asked == "measure"
    try:
        given = float(asked)
    except ValueError:
        given = -1.0
    if not 0 <= given <= 1:
        raise click.BadParameter(
            f"{asked!r}; expected measure, skip or an accuracy from 0 to 1", param_hint="full-data"
        )
    return given, False


def _require_place(curve: Path) -> None:
    """Told before anything is played, not after hours of nights."""
    if not curve.parent.is_dir():
        raise BadInputError(f"there is no folder {curve.parent} to draw in; name a file in one that exists")
    if curve.is_dir():
        raise BadInputError(f"{curve} is a folder; expected the name of an SVG file")
    if curve.exists() and curve.suffix != ".svg":
        raise BadInputError(f"{curve} is there and is no SVG file; name another file to draw in")


@contextmanager
def _folder(home: Path | None) -> Iterator[Path]:
    if home is not None:
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="helpdesk-simulate-") as folder:
        yield Path(folder)


def _lines(result: dict[str, Any]) -> Iterator[str]:
    names = ("start_accuracy", "end_accuracy", "full_data_accuracy", "gap_closed", "labels_ratio_to_random")
    for name in (*names, "trigger_success"):
        if result.get(name) is not None:
            yield f"{name.replace('_', ' '):<26} {result[name]:.3f}"
    yield f"{'significant regressions':<26} {result['significant_regressions']}"
    yield f"{'labels':<26} {result['labels']}"
    for name, arm in result.get("baselines", {}).items():
        yield f"{name.replace('_', ' '):<26} ends at {arm['end_accuracy']:.3f}"
