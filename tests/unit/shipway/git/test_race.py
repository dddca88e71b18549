from __future__ import annotations

import fcntl
import random
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from shipway.git import ops_repository
from shipway.git.history import History
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.ops_repository import OpsRepository
from shipway.git.race import pause_seconds
from tests.support.app_environments import SHOP
from tests.support.origin import Origin


@pytest.mark.parametrize(
    ("attempts", "longest"),
    [
        ([], 0.4),
        ([0.001], 0.4),
        ([0.001] * 3, 1.2),
        ([0.5], 2.0),
        ([0.5, 0.25, 9.0], 3.0),
        ([300.0], 20.0),
        ([0.2] * 1000, 20.0),
    ],
)
def test_a_pause_is_any_up_to_four_shortest_attempts_for_each_attempt(
    monkeypatch: pytest.MonkeyPatch, attempts: list[float], longest: float
) -> None:
    assert all(0 <= pause_seconds(attempts) <= longest for _ in range(100))
    monkeypatch.setattr(random, "uniform", lambda _shortest, most: most)
    assert pause_seconds(attempts) == pytest.approx(longest)


def test_the_wait_for_a_turn_is_no_part_of_an_attempt(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.commit({"prod/shop/web.yaml": b"a\n"})
    ops = OpsRepository(url=origin.url)
    ops.fetch(SHOP)
    seen, begin = list[list[float]](), list[float]()

    def no_pause(attempts: Sequence[float]) -> float:
        seen.append(list(attempts))
        return 0

    monkeypatch.setattr(ops_repository, "pause_seconds", no_pause)

    def propose(folder: OpsFolder, _history: History) -> Proposal:
        if not begin:
            begin.append(time.monotonic())
            origin.commit({}, "theirs")
        return Proposal(changes={f"{folder.path}/web.yaml": b"b\n"}, message="release")

    (cache,) = (tmp_path / "state" / "work" / "ops").glob("*/")
    with Path(f"{cache}.turn.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        held = time.monotonic()
        release = threading.Timer(2, lambda: fcntl.flock(file, fcntl.LOCK_UN))
        release.start()
        assert ops.commit(SHOP, propose).new
        release.join()
    ((first,),) = seen
    assert begin[0] - held >= 2
    assert 0 < first < time.monotonic() - held - 2
