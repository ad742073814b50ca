"""`helpdesk tenants`: the homes that one service answers for."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import click

from helpdesk.cli.common import say
from helpdesk.cli.retrain import EXIT_KEPT

_AS_A_COMMAND = "import sys; sys.argv[0] = 'helpdesk'; from helpdesk.cli.main import main; main()"


@click.group()
def tenants() -> None:
    """Many homes in one service: list them, run a command for each."""


@tenants.command("list")
def list_tenants() -> None:
    """The tenants and their homes; without one that is set up, what is missing; of a copy, whose it is."""
    from helpdesk.errors import HelpdeskError
    from helpdesk.home import belongings, open_home
    from helpdesk.new_home import missing
    from helpdesk.settings import settings_of_home

    owners: dict[str, str] = {}
    for name, home in _homes().items():
        try:
            settings = settings_of_home(home)
            with closing(open_home(settings)) as database:
                owned = belongings(settings, database)
                lacking = list(missing(database))
            others = {owners[one] for one in owned if one in owners}
            lacking += [f"has the secret key or the database of {other}" for other in sorted(others)]
            owners |= dict.fromkeys(owned - owners.keys(), name)
        except HelpdeskError as error:
            lacking = [str(error)]
        say(f"{name}\t{home}\t{'; '.join(lacking) or 'ok'}")


@tenants.command("run", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option("--only", multiple=True, help="Only this tenant; may be repeated.")
def run(words: tuple[str, ...], only: tuple[str, ...]) -> None:
    """Run a command for each tenant, one after the other: `helpdesk tenants run retrain`.

    One that fails stops no other; the exit code is 1 then. A night that kept the version in service, or found another
    one running, did not fail.
    """
    from helpdesk.cli.main import EXIT_BUSY
    from helpdesk.errors import BadInputError, NotFoundError
    from helpdesk.learning.training.several_processes import require_no_group
    from helpdesk.settings import environment_of_home

    require_no_group()
    homes = _homes()
    unknown = [name for name in only if name not in homes]
    if unknown:
        raise NotFoundError(f"there is no tenant {unknown[0]!r}; there are {', '.join(homes) or 'none'}")
    failed = []
    for name in dict.fromkeys(only or homes):
        say(f"== {name}")
        sys.stdout.flush()
        command = [sys.executable, "-c", _AS_A_COMMAND, *words]
        try:
            environment = environment_of_home(homes[name], os.environ)
            code = subprocess.run(command, env=environment, check=False).returncode  # noqa: S603 - our own
        except BadInputError as error:
            say(f"helpdesk: {error}", err=True)
            code = 1
        if code not in (0, EXIT_KEPT, EXIT_BUSY):
            failed.append(name)
    if failed:
        say(f"failed for {', '.join(failed)}", err=True)
        sys.exit(1)


def _homes() -> dict[str, Path]:
    from helpdesk.home import tenant_homes
    from helpdesk.settings import load_settings

    return tenant_homes(load_settings())
