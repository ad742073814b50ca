"""The command line. Each command imports its work when it runs; `helpdesk --help` imports click alone."""

import gc
import os
import sys
from contextlib import suppress

import click

from helpdesk.cli.api import api
from helpdesk.cli.backup import backup, doctor, restore
from helpdesk.cli.check import check
from helpdesk.cli.common import say
from helpdesk.cli.data import data
from helpdesk.cli.db import db
from helpdesk.cli.exclusions import exclusions
from helpdesk.cli.faq import faq
from helpdesk.cli.faults import refusal
from helpdesk.cli.golden import golden
from helpdesk.cli.handover import deliver, handover
from helpdesk.cli.key import key
from helpdesk.cli.labels import labels
from helpdesk.cli.match import match
from helpdesk.cli.nights import nights
from helpdesk.cli.privacy import erase, export_person, prune
from helpdesk.cli.retrain import retrain
from helpdesk.cli.robustness import report
from helpdesk.cli.server import config, demo, init, serve
from helpdesk.cli.simulate import simulate
from helpdesk.cli.staff import staff
from helpdesk.cli.tenants import tenants
from helpdesk.cli.versions import rollback, versions
from helpdesk.cli.why import why
from helpdesk.errors import BusyError, HelpdeskError

_PRIVATE = 0o077  # what commands write is for their user alone
EXIT_FAILED = 1
EXIT_BUSY = 75
EXIT_INTERRUPTED = 130
_GARBAGE = 50_000  # what a command loads stays: looking through it again and again is a tenth of its time


def main() -> None:
    """Run the command line: a fault that somebody can mend is one line and exit code 1, 75 when another run is busy."""
    os.umask(_PRIVATE)
    gc.set_threshold(_GARBAGE, 20, 20)
    try:
        code = cli(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = EXIT_INTERRUPTED
    except HelpdeskError as error:
        say(f"helpdesk: {error}", err=True)
        code = EXIT_BUSY if isinstance(error, BusyError) else EXIT_FAILED
    except BrokenPipeError:  # whoever read our output has read enough
        _drop_output()
        code = EXIT_FAILED
    except OSError as error:
        _drop_output()
        say(f"helpdesk: {refusal(error)}", err=True)
        code = EXIT_FAILED
    gc.freeze()  # nor is it looked through at the end
    sys.exit(code)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="helpdesk", message="helpdesk %(version)s")
def cli() -> None:
    """A helpdesk chatbot backend that knows when it does not know, and gets better every night."""


data.add_command(check)
for command in (
    api,
    config,
    data,
    db,
    deliver,
    demo,
    exclusions,
    faq,
    golden,
    handover,
    init,
    key,
    labels,
    match,
    nights,
    report,
    retrain,
    tenants,
):
    cli.add_command(command)
for command in (rollback, serve, simulate, staff, versions, why, backup, restore, doctor):
    cli.add_command(command)
for command in (erase, export_person, prune):
    cli.add_command(command)


def _drop_output() -> None:
    """What could not be written would be tried again when the interpreter ends, and end in a traceback."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
