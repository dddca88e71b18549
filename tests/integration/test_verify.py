"""One layer of the pyramid as Prefect runs it: shards, retries, quarantine, resume, cache."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from git import Repo
from prefect import get_client

from blocks.ledger import Ledger
from blocks.source_repository import SourceRepository
from flows.verify import verify
from shipway.code import Code
from shipway.config import pipeline as config
from shipway.config.pipeline import Layer, Pipeline
from shipway.ledger.session import LedgerSession
from shipway.pyramid.results import LayerResult, RedLayerError, TestResult
from shipway.runners.environment import Images
from tests.support.mistakes import tell_of_error

PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
FAILS_ONCE = """
import os, pathlib
def test_once():
    seen = pathlib.Path(os.environ["STATE"], "seen")
    print("looked for", seen.name)
    if not seen.exists():
        seen.touch()
        assert False, "not seen before"
"""


class Suite:
    """An app whose tests run in processes, in a repository of its own."""

    def __init__(self, folder: Path) -> None:
        self.app = f"verify-{uuid.uuid4().hex[:8]}"
        self.state = folder / "state"
        self.state.mkdir()
        self.repo = Repo.init(folder / "code", initial_branch="main")
        self.folder = Path(self.repo.working_dir)
        self.source = SourceRepository(url=f"file://{self.folder}")

    def write(self, **files: str) -> None:
        """Commit test files."""
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)
        self.repo.git.add("--all")
        self.repo.index.commit("A change")

    async def run(self, *, fresh: bool = False, **layer: Any) -> LayerResult:
        """Run the unit layer with these settings."""
        env = {"STATE": str(self.state), "PYTHONDONTWRITEBYTECODE": "1"}
        unit = Layer.model_validate({"command": PYTEST, "runner": "process", "env": env, **layer})
        code = Code(
            app=self.app,
            revision=self.source.resolve(None),
            pipeline=Pipeline(app=self.app, tests=config.Tests(layers={"unit": unit})),
            folder=self.folder,
        )
        return await verify("unit", code, Images(tests=None, app=None), fresh=fresh)


@pytest.fixture
async def suite(sandbox: dict[str, str], tmp_path: Path) -> AsyncIterator[Suite]:
    made = Suite(tmp_path)
    await made.source.asave(made.app, overwrite=True)
    yield made
    async with get_client() as client:
        found = await client.read_block_document_by_name(made.app, "source-repository")
        await client.delete_block_document(found.id)


async def passed(inputs: str) -> dict[str, float]:
    """The tests that the ledger has as green with these inputs."""
    async with (await Ledger.aload("default")).open() as session:
        return await session.passed(inputs)


def names(result: LayerResult, outcome: Any) -> list[str]:
    return sorted(test.name for test in result.with_outcome(outcome))


async def test_shards_run_every_test_once_and_only_once(suite: Suite) -> None:
    tests = "".join(f"def test_{n}(): pass\n" for n in range(30))
    suite.write(test_many=tests)
    result = await suite.run(shards=3)
    assert names(result, "passed") == sorted(f"test_many.py::test_{n}" for n in range(30))
    assert [one.tests for one in result.shards] == [10, 10, 10]
    assert {test.attempts for test in result.tests} == {1}


async def test_the_first_failing_test_ends_its_siblings_and_what_was_done_is_shown(
    suite: Suite,
) -> None:
    slow = "import os, pathlib, time\ndef test_slow():\n    time.sleep(300)\n"
    quick = "def test_a(): pass\ndef test_b(): assert 1 == 2\n"
    suite.write(test_slow=slow, test_quick=quick)
    with pytest.raises(RedLayerError) as caught:
        await suite.run(shards=2, split="file")
    assert caught.value.what == "The unit layer is red: test_quick.py::test_b failed."
    assert "test_quick.py:2: assert 1 == 2" in str(caught.value.facts["got"])
    assert caught.value.facts["remedy"] == (
        "run `python -m pytest test_quick.py::test_b` in the app's folder"
    )
    assert caught.value.result is not None
    assert names(caught.value.result, "passed") == ["test_quick.py::test_a"]
    assert names(caught.value.result, "failed") == ["test_quick.py::test_b"]


async def test_a_test_that_passes_on_retry_is_flaky_and_the_proof_has_both_logs(
    suite: Suite,
) -> None:
    suite.write(test_flaky=FAILS_ONCE, test_good="def test_good(): pass\n")
    result = await suite.run(retries=1)
    assert names(result, "flaky") == ["test_flaky.py::test_once"]
    assert names(result, "passed") == ["test_good.py::test_good"]
    async with (await Ledger.aload("default")).open() as book:
        (record,) = await book.records(suite.app)
        (proof,) = await book.proofs(suite.app)
    assert (record.runs, record.failures, record.flakes) == (2, 1, 1)
    assert "not seen before" in proof.failed_log
    assert "looked for seen" in proof.passed_log
    again = await suite.run(retries=1)
    assert again.cached is None
    assert names(again, "passed") == ["test_flaky.py::test_once", "test_good.py::test_good"]


async def test_a_broken_test_is_red_after_as_many_retries_as_the_team_says(suite: Suite) -> None:
    suite.write(test_broken="def test_broken(): assert 0\n")
    with pytest.raises(RedLayerError) as caught:
        await suite.run(retries=2)
    assert caught.value.result is not None
    assert [test.attempts for test in caught.value.result.tests] == [3]


async def test_a_quarantined_test_stops_nothing_until_its_last_day_is_over(suite: Suite) -> None:
    suite.write(test_known="def test_known(): assert 0\ndef test_good(): pass\n")
    today = datetime.now(UTC).date()
    known = {"owner": "Ada", "reason": "issue 7"}
    quarantine = {"test_known.py::test_known": {**known, "until": today}}
    result = await suite.run(quarantine=quarantine)
    (test,) = result.with_outcome("quarantined")
    assert test.message == f"Ada until {today}: issue 7"
    quarantine["test_known.py::test_known"]["until"] = today - timedelta(days=1)
    with pytest.raises(RedLayerError, match="test_known failed"):
        await suite.run(quarantine=quarantine)


async def test_a_new_test_must_pass_several_times_before_it_counts(suite: Suite) -> None:
    suite.write(test_old="def test_old(): pass\n")
    await suite.run()
    second = "import os, pathlib\ndef test_new():\n    seen = pathlib.Path(os.environ['STATE'])\n"
    second += "    count = len(list(seen.iterdir()))\n    (seen / str(count)).touch()\n"
    suite.write(test_new=f"{second}    assert count != 1, 'the second time'\n")
    with pytest.raises(RedLayerError, match="test_new failed") as caught:
        await suite.run(retries=3)
    assert caught.value.result is not None
    (test,) = caught.value.result.with_outcome("failed")
    assert test.attempts == 2
    suite.write(test_new=second)
    result = await suite.run(new_tests=4)
    assert {test.name: test.attempts for test in result.tests} == {
        "test_old.py::test_old": 1,
        "test_new.py::test_new": 4,
    }


async def test_a_new_test_is_new_until_a_run_has_let_it_pass_so_often(suite: Suite) -> None:
    suite.write(test_old="def test_old(): pass\n")
    await suite.run()
    waits = "import os, pathlib, time\ndef test_z():\n    time.sleep(1)\n    assert 0\n"
    suite.write(test_new="def test_new(): pass\n", test_z=waits)
    # Both are new: the first one has passed once when the second one ends the run.
    with pytest.raises(RedLayerError, match="test_z failed") as caught:
        await suite.run(new_tests=2)
    assert caught.value.result is not None
    assert names(caught.value.result, "passed") == [
        "test_new.py::test_new",
        "test_old.py::test_old",
    ]
    suite.write(test_z="")
    result = await suite.run(new_tests=2)
    assert {test.name: test.attempts for test in result.tests} == {
        "test_old.py::test_old": 1,
        "test_new.py::test_new": 2,
    }


async def test_after_a_flaky_run_every_test_runs_again(suite: Suite) -> None:
    slow = "import time\ndef test_slow(): time.sleep(2)\n"
    suite.write(test_a="def test_a(): pass\n", test_flaky=FAILS_ONCE, test_slow=slow)
    first = await suite.run(retries=1)
    assert names(first, "flaky") == ["test_flaky.py::test_once"]
    assert [test.earlier for test in (await suite.run(retries=1)).tests] == [False] * 3


async def test_the_last_words_of_a_command_need_no_line_end(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass\n")
    with pytest.raises(RedLayerError) as caught:
        await suite.run(command=["sh", "-c", "printf 'no disk left'; exit 3"], tool="junit")
    assert caught.value.what == "The unit layer is red: The test command left no results."
    assert "no disk left" in str(caught.value.facts["got"])


async def test_a_quarantine_of_no_test_is_said(
    suite: Suite, caplog: pytest.LogCaptureFixture
) -> None:
    suite.write(test_a="def test_a(): pass\n")
    known = {"owner": "Ada", "reason": "issue 7", "until": datetime.now(UTC).date()}
    await suite.run(quarantine={"test_gone.py::test_gone": known})
    assert "quarantine names test_gone.py::test_gone, and there is no such test" in caplog.text


async def test_a_green_layer_does_not_run_again_until_what_it_reads_changes(suite: Suite) -> None:
    suite.write(test_a="def test_a(): pass\n", notes="")
    first = await suite.run(reads=["test_a.py"])
    suite.write(notes="# changed\n")
    again = await suite.run(reads=["test_a.py"])
    assert (first.cached is None, again.cached is None) == (True, False)
    assert names(again, "passed") == ["test_a.py::test_a"]
    assert (await suite.run(reads=["test_a.py"], fresh=True)).cached is None
    suite.write(test_a="def test_a(): pass\ndef test_b(): pass\n")
    changed = await suite.run(reads=["test_a.py"])
    assert changed.cached is None
    assert len(changed.tests) == 2


async def test_red_is_never_kept(suite: Suite) -> None:
    suite.write(test_a=FAILS_ONCE)
    with pytest.raises(RedLayerError):
        await suite.run()
    result = await suite.run()
    assert (result.cached, names(result, "passed")) == (None, ["test_a.py::test_once"])


async def test_after_a_cancelled_run_only_what_was_not_green_runs_again(
    suite: Suite, monkeypatch: pytest.MonkeyPatch
) -> None:
    note_passed, noted = LedgerSession.note_passed, list[str]()

    async def note(session: LedgerSession, inputs: str, tests: Iterable[TestResult]) -> None:
        noted.append(inputs)
        await note_passed(session, inputs, tests)

    monkeypatch.setattr(LedgerSession, "note_passed", note)
    waits = "import os, pathlib, time\ndef test_waits():\n"
    waits += "    pathlib.Path(os.environ['STATE'], 'begun').touch()\n"
    waits += "    while not pathlib.Path(os.environ['STATE'], 'go').exists(): time.sleep(0.05)\n"
    suite.write(test_a="def test_a(): pass\n", test_waits=waits)
    running = asyncio.create_task(suite.run())
    begun = suite.state / "begun"
    while not begun.exists():
        assert not running.done()
        await asyncio.sleep(0.1)
    while not noted or not await passed(noted[0]):
        assert not running.done()
        await asyncio.sleep(0.1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    (suite.state / "go").touch()
    result = await suite.run()
    assert {test.name: test.earlier for test in result.tests} == {
        "test_a.py::test_a": True,
        "test_waits.py::test_waits": False,
    }


async def test_a_nightly_run_goes_on_to_the_end_and_names_every_failure(suite: Suite) -> None:
    suite.write(test_a="def test_a(): assert 0\ndef test_b(): pass\ndef test_c(): assert 0\n")
    with pytest.raises(RedLayerError) as caught:
        await suite.run(fresh=True)
    assert caught.value.what == "The unit layer is red: test_a.py::test_a and 1 more failed."
    assert caught.value.result is not None
    assert len(caught.value.result.tests) == 3


@pytest.mark.mistake
async def test_a_layer_over_its_budget_fails_where_the_team_says_so(suite: Suite) -> None:
    suite.write(test_a="import time\ndef test_a(): time.sleep(1.5)\n")
    result = await suite.run(budget_seconds=1)
    assert result.over_budget
    suite.write(test_a="import time\ndef test_a(): time.sleep(60)\n")
    with pytest.raises(RedLayerError, match=r"test_a\.py::test_a did not end") as caught:
        await suite.run(budget_seconds=10, over_budget="fail", fresh=True)
    await tell_of_error("a test that hangs", caught.value, {sys.executable: "python"})


async def test_shards_that_find_different_tests_are_red(suite: Suite) -> None:
    odd = "import os, pytest\n@pytest.mark.parametrize('n', [os.getpid()])\ndef test_a(n): pass\n"
    suite.write(test_odd=odd)
    with pytest.raises(RedLayerError, match="The shards found different tests"):
        await suite.run(shards=2)
