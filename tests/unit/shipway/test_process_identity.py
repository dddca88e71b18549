from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from shipway.process_identity import is_gone, this_process

TELL = "from shipway.process_identity import this_process; print(this_process())"


def test_a_process_is_there_until_it_ends() -> None:
    folder = Path(__file__).parents[4]
    with subprocess.Popen(
        [sys.executable, "-c", f"{TELL}; input()"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        identity = process.stdout.readline().strip()
        assert identity != this_process()
        assert not is_gone(identity)
        process.communicate("\n")
    assert is_gone(identity)
    assert not is_gone(this_process())


def test_a_process_of_another_machine_or_that_nobody_named_may_be_there() -> None:
    _, number, started = this_process().rsplit("/", 2)
    assert not is_gone(f"elsewhere:1/{number}/{started}x")
    assert not is_gone("")


def test_a_process_that_took_over_the_number_is_another_one() -> None:
    assert is_gone(f"{this_process()}0")
