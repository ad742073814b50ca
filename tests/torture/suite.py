"""Cases of the matrix that tests of the suite play: they are run, and counted."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

LONGER = {"LIFE_EXAMPLES": "10", "LIFE_STEPS": "24"}  # than in `make test`
ROOT = Path(__file__).parent.parent.parent
SUITE: dict[str, tuple[tuple[int, ...], str, tuple[str, ...]]] = {
    "nights at once": (
        (10,),
        "one runs, the others say busy; two runs from one state build the same bytes",
        (
            "tests/learning/night/test_retrain_processes.py",
            "tests/learning/night/test_lock.py",
        ),
    ),
    "slow clients": (
        (13,),
        "half, silent and slow requests hold no thread; others are answered meanwhile",
        ("tests/web/test_slow_clients.py", "tests/web/test_worker.py", "tests/test_behind_nginx.py"),
    ),
    "replays and forgeries": (
        (15,),
        "one id is one message by whichever process; forged, stale and replayed requests are refused",
        ("tests/serving/test_delivery_ids.py", "tests/channels/test_signatures.py", "tests/web/api/test_chats.py"),
    ),
    "clocks that jump": (
        (16,),
        "order by number, not by clock; a night of a wrong clock hides nothing",
        (
            "tests/records/test_nights.py",
            "tests/records/test_leases.py",
            "tests/upkeep/test_doctor.py",
        ),
    ),
    "parsers and normalising": (
        (18, 19),
        "whatever hypothesis thinks of: no uncaught error, invariants hold",
        (
            "tests/test_parsers_fuzzed.py",
            "tests/test_text.py",
            "tests/test_near_duplicates.py",
            "tests/records/test_import_plan.py",
            "tests/web/api/test_json_body.py",
            "tests/serving/test_markup.py",
        ),
    ),
    "injection": (
        (21,),
        "markup, formulas, terminal escapes and paths are text; CSP on every page",
        (
            "tests/serving/test_markup.py",
            "tests/web/staff/test_report_files.py",
            "tests/web/test_addresses.py",
            "tests/cli/test_terminal.py",
            "tests/records/test_uploads.py",
            "tests/web/test_policy.py",
        ),
    ),
    "logins and roles": (
        (22,),
        "every route, role and method; guessing, sessions, CSRF",
        (
            "tests/web/test_policy.py",
            "tests/web/staff/test_login.py",
            "tests/web/staff/test_lost_session.py",
            "tests/records/test_staff.py",
            "tests/web/staff/test_people_pages.py",
        ),
    ),
    "worse candidates": (
        (24,),
        "rubbish, damaged weights, flipped labels, planted phrases, slow encoders are refused with the reason",
        (
            "tests/learning/gate/test_refused_nights.py",
            "tests/learning/gate/test_smoke_checks.py",
            "tests/learning/night/test_poison.py",
            "tests/learning/training/test_encoders.py",
            "tests/learning/data/test_quarantine.py",
        ),
    ),
    "life of a label": (
        (23, 25),
        "label, undo, nights, promotion, rollback, erasure in any order that hypothesis thinks of: invariants hold",
        ("tests/test_life_of_a_label.py",),
    ),
    "damaged version in service": (
        (7,),
        "the newest version that opens serves instead; with none messages get 503 and no claim",
        ("tests/serving/test_damaged_version.py", "tests/matching/test_bundle_repair.py"),
    ),
    "backup, restore, erasure": (
        (25,),
        "a restored copy has every row and answers the same; a planted marker is nowhere",
        ("tests/upkeep/test_backup.py", "tests/learning/night/test_erasures.py", "tests/records/test_erasure.py"),
    ),
}


def run_tests(names: Sequence[str]) -> tuple[int, int, list[str]]:
    """How many tests passed, how many were left out, and which failed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        words = ["-q", "-p", "no:cacheprovider", f"--junitxml={report}", *names]
        environment = os.environ | LONGER
        subprocess.run(
            [sys.executable, "-m", "pytest", *words], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False
        )
        cases = list(ElementTree.parse(report).iter("testcase"))
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    failed = [f"{case.get('name')} failed" for case in bad]
    left_out = sum(case.find("skipped") is not None for case in cases)
    return len(cases) - len(failed) - left_out, left_out, failed
