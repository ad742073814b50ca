"""A home with a small FAQ, a login and a first bundle, and how it is copied."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from helpdesk.demo.month import DAYS_PLAYED, play_month
from helpdesk.demo.people import hire
from helpdesk.home import PRIVATE
from helpdesk.learning.bundles import build
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.bundle import ENCODER
from helpdesk.matching.encoder import Encoder, open_encoder
from helpdesk.new_home import set_up
from helpdesk.progress import Quiet
from helpdesk.records import faq, staff
from helpdesk.records.clock import now, simulated_time
from helpdesk.records.database import open_database
from helpdesk.records.faq import Entry
from helpdesk.records.roles import Role
from helpdesk.records.tables import Staff
from helpdesk.settings import Settings, load_settings

STAFF, PASSWORD = "ann", "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # tests log in hundreds of times


# A FAQ of 25 phrasings cannot show more.
LENIENT = {"max_wrong_rate": 0.2, "assurance": 0.5, "assumed_out_of_scope": 0.25, "assumed_near": 0.0}


SMALL_FAQ = {
    "password": (
        "How do I reset my password?",
        "Open the self-service page.",
        ("forgot my password", "password reset please", "I cannot remember my password", "new password needed"),
    ),
    "vpn": (
        "Why does the VPN not connect?",
        "Restart the VPN client.",
        ("vpn not connecting", "cannot connect to the vpn", "vpn connection fails", "vpn login error"),
    ),
    "printer": (
        "The printer does not print.",
        "Switch the printer off and on.",
        ("printer not working", "paper jam in the printer", "nothing prints", "the printer is out of toner"),
    ),
    "wifi": (
        "How do I join the office Wi-Fi?",
        "Choose the network Office.",
        ("wifi not working", "connect to office wifi", "no wireless network", "which wlan do I choose"),
    ),
    "laptop": (
        "How do I get a new laptop?",
        "Order it in the portal.",
        ("I need a new laptop", "order a notebook", "replace my old laptop", "request a computer"),
    ),
}


@contextmanager
def private() -> Iterator[None]:
    """What is written is for its user alone, as commands have it."""
    umask = os.umask(PRIVATE)
    try:
        yield
    finally:
        os.umask(umask)


@private()
def make_home(settings: Settings) -> None:
    """The small FAQ, a login and a first bundle of the settings' base model."""
    opened = open_database(settings)
    list(set_up(settings, opened, starter_faq=False, progress=Quiet()))
    entries = [Entry(slug, question=q, answer=a, phrasings=p) for slug, (q, a, p) in SMALL_FAQ.items()]
    with opened.write() as session:
        faq.store_entries(session, entries, author="test")
        ann = staff.add_staff(session, STAFF, password=PASSWORD, role=Role.ADMIN)
        ann.password_hash = CHEAP.hash(PASSWORD)
    run_night(settings, opened, plan=Plan(minutes=1, finetune=False), progress=Quiet())
    opened.close()


@contextmanager
def short_exams() -> Iterator[None]:
    """Bundles are examined on three messages, each misspelt in many ways: under the real model more of them take most
    of a build, and what they show is stated of the tiny home, and where exams are tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "evaluation_size", lambda rows: 3)
        yield


@contextmanager
def encoder_open(home: Path) -> Iterator[Encoder]:
    """The encoder of a home's first bundle, which all bundles with the same files share for as long as it is open."""
    (bundle,) = (home / "bundles").iterdir()
    opened = open_encoder(bundle / ENCODER)
    yield opened


def copy_home(home: Path, folder: Path, **more: Any) -> Settings:
    """Settings of a copy of a home in a folder."""
    copy = shutil.copytree(home, folder / "home", copy_function=share)
    return load_settings(home=copy, **LENIENT, **more)


def share(source: str, target: str) -> None:
    """Sealed bundles are never edited, so a link is as good as a copy; everything else is copied."""
    if "bundles" in Path(source).parts:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def play(starter: Path, folder: Path) -> None:
    """The month of the demo, with few conversations and one night, in a copy of a home with the starter FAQ."""
    shutil.copytree(starter, folder, dirs_exist_ok=True, copy_function=share)
    settings = load_settings(home=folder)
    opened = open_database(settings)
    began = now() - timedelta(days=DAYS_PLAYED)
    with simulated_time() as clock:
        clock.set(began)
        staff_ids = hire(opened, password=PASSWORD)
        play_month(
            settings,
            opened,
            staff_ids=staff_ids,
            began=began,
            clock=clock,
            report=Quiet().__enter__(),
            conversations=11,
            nights=(20,),
        )
    with opened.write() as session:
        session.execute(update(Staff).values(password_hash=CHEAP.hash(PASSWORD)))
    opened.close()
