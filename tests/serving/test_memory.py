"""What is not needed any more goes back to the system."""

import subprocess
import sys

import pytest

FREED = """
import os
from helpdesk.serving.memory import give_back_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

held = [bytes(50_000) for _ in range(4_000)]
last = bytes(50_000)
full = resident()
del held
give_back_memory()
print(full - resident())
"""


@pytest.mark.slow
def test_freed_memory_is_given_back() -> None:
    """Of two hundred megabytes nearly all, though the newest piece of the heap is in use."""
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True, timeout=60)

    assert int(done.stdout) > 150_000_000
