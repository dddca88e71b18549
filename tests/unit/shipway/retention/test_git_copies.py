from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from blocks.ops_repository import OpsRepository
from shipway.git.lock import locked
from shipway.retention.git_copies import clear_copies
from shipway.retention.outcome import Outcome
from shipway.retention.policy import Retention
from shipway.workspace import workspace
from tests.support.app_environments import SHOP
from tests.support.origin import Origin

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=31)


@pytest.fixture
def ops(origin: Origin) -> OpsRepository:
    origin.commit({"prod/shop/rollout.yaml": b"a"})
    ops = OpsRepository(url=origin.url)
    ops.fetch(SHOP)
    return ops


def copy() -> Path:
    (found,) = (each for each in workspace("ops").iterdir() if each.is_dir())
    return found


def clear(now: datetime = LATER, *, dry_run: bool = False, files: int = 10_000) -> Outcome:
    return clear_copies(Retention(copy_files=files), now, dry_run=dry_run)


def test_what_was_used_lately_stays(ops: OpsRepository) -> None:
    assert clear(NOW).stays == {"used in the last 30 days": 1}
    assert copy().is_dir()


def test_a_use_is_noted(ops: OpsRepository) -> None:
    long_ago = (NOW - timedelta(days=40)).timestamp()
    os.utime(copy(), (long_ago, long_ago))
    assert clear(NOW, dry_run=True).count == 1
    ops.fetch(SHOP)
    assert clear(NOW, dry_run=True).count == 0


def test_what_is_unused_goes_and_is_made_anew(ops: OpsRepository) -> None:
    outcome = clear(dry_run=True)
    assert [item.why for item in outcome.goes] == ["unused for 30 days"]
    assert (outcome.size or 0) > 0
    assert copy().is_dir()
    assert clear().goes == outcome.goes
    assert [each for each in workspace("ops").iterdir() if each.is_dir()] == []
    assert ops.fetch(SHOP).files == {"rollout.yaml": b"a"}


def test_one_with_too_many_files_goes(ops: OpsRepository) -> None:
    assert "more than 3" in clear(NOW, files=3).goes[0].why


def test_what_is_left_of_a_broken_one_goes(ops: OpsRepository) -> None:
    copy().rename(copy().with_name(f"{copy().name}.broken-{'0' * 32}"))
    assert [item.why for item in clear(NOW).goes] == ["what is left of a broken one"]
    assert [each for each in workspace("ops").iterdir() if each.is_dir()] == []


def test_one_that_somebody_uses_this_moment_stays(ops: OpsRepository) -> None:
    with locked(Path(f"{copy()}.lock"), 1, shared=True):
        outcome = clear()
    assert (outcome.count, outcome.stays) == (0, {"in use this moment": 1})
    assert copy().is_dir()


def test_what_shipway_did_not_make_stays(ops: OpsRepository) -> None:
    (workspace("ops") / "notes").mkdir()
    (workspace() / "ledger.sqlite").touch()
    clear()
    assert (workspace("ops") / "notes").is_dir()
    assert (workspace() / "ledger.sqlite").exists()
