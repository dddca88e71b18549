"""What the pyramid asks of the ledger, asked of SQLite and of PostgreSQL alike."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text, update
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from blocks.ledger import Ledger
from shipway.errors import RefuseError, RetryError
from shipway.ledger.session import KnownTest, OldRows, TestRun
from shipway.ledger.tables import GREEN, PASSED, PROOFS, TESTS
from shipway.pyramid.results import LayerResult, Outcome, TestResult
from shipway.pytest_plugin.shipway_names import ledger_name
from tests.support.project import HOME

HOSTILE = ["nul \0 in it", "half \ud800 of a pair", "line\nbreak \x1b[31m", "ü 🚢", "long " * 2000]


@pytest.fixture(params=["sqlite", "postgresql"])
async def ledger(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ledger]:
    if request.param == "sqlite":
        monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path))
        yield Ledger()
        return
    server = make_url(await asyncio.to_thread(_postgresql))
    name = f"ledger_{uuid.uuid4().hex}"
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
        url = server.set(database=name).render_as_string(hide_password=False)
        yield Ledger(url=SecretStr(url))
        await connection.execute(text(f"DROP DATABASE {name}"))
    await engine.dispose()


def _postgresql() -> str:
    """The sandbox's server, as its own Prefect server reaches it."""
    script = "import state; print(state.read().get('database', ''))"
    found = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(HOME / "docker" / "sandbox")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if not found.startswith("postgresql+asyncpg://"):
        pytest.fail("the sandbox has no PostgreSQL: see what `make up` says of it", pytrace=False)
    return found


def one(name: str, outcome: Outcome = "passed", seconds: float = 1.0, **more: str) -> TestResult:
    return TestResult.model_validate({"name": name, "outcome": outcome, "seconds": seconds, **more})


def ran(*runs: TestResult, came_to: Outcome | None = None) -> TestRun:
    result = runs[-1].model_copy(update={"outcome": came_to or runs[-1].outcome})
    proven = result.outcome in {"passed", "flaky"}
    return TestRun(
        unit=f"unit of {ledger_name(runs[0].name)}", runs=runs, result=result, proven=proven
    )


async def record(
    ledger: Ledger, *tests: TestRun, revision: str = "r1", run: str = "run 1", layer: str = "unit"
) -> None:
    async with ledger.open() as book:
        await book.record("shop", layer, revision, run, tests)


async def known(ledger: Ledger, layer: str = "unit") -> dict[str, KnownTest]:
    async with ledger.open() as book:
        return await book.known("shop", layer)


async def test_an_empty_ledger_knows_nothing(ledger: Ledger) -> None:
    async with ledger.open() as book:
        assert await book.known("shop", "unit") == {}
        assert await book.green("inputs") is None
        assert await book.passed("inputs") == {}
        assert await book.records("shop") == []
        assert await book.proofs("shop") == []


async def test_a_test_that_passed_is_known_and_proven(ledger: Ledger) -> None:
    await record(ledger, ran(one("a", seconds=2.0)))
    assert await known(ledger) == {"a": KnownTest(unit="unit of a", seconds=2.0, proven=True)}


async def test_layers_and_apps_know_nothing_of_each_other(ledger: Ledger) -> None:
    await record(ledger, ran(one("a")), layer="e2e")
    assert await known(ledger) == {}
    async with ledger.open() as book:
        await book.record("other", "e2e", "r1", "run 1", [ran(one("b", "failed"))])
        assert await book.records("shop") == []
    assert list(await known(ledger, "e2e")) == ["a"]


async def test_a_test_that_never_passed_is_unproven_and_has_no_duration(ledger: Ledger) -> None:
    await record(ledger, ran(one("a", "failed", 9.0)))
    assert await known(ledger) == {"a": KnownTest(unit="unit of a", seconds=None, proven=False)}
    await record(ledger, ran(one("a", seconds=3.0)), revision="r2")
    assert await known(ledger) == {"a": KnownTest(unit="unit of a", seconds=3.0, proven=True)}


async def test_proven_once_is_proven_for_good(ledger: Ledger) -> None:
    await record(ledger, ran(one("a", seconds=2.0)))
    await record(ledger, ran(one("a", "failed", 50.0)), revision="r2")
    assert await known(ledger) == {"a": KnownTest(unit="unit of a", seconds=2.0, proven=True)}


async def test_a_new_test_that_failed_in_between_is_not_proven(ledger: Ledger) -> None:
    await record(ledger, ran(one("a"), one("a", "failed"), one("a"), came_to="failed"))
    assert not (await known(ledger))["a"].proven


async def test_durations_are_smoothed_and_the_newest_counts_most(ledger: Ledger) -> None:
    for seconds in (8.0, 4.0, 2.0):
        await record(ledger, ran(one("a", seconds=seconds)))
    assert (await known(ledger))["a"].seconds == pytest.approx(4.0)


async def test_a_test_that_was_skipped_leaves_no_line(ledger: Ledger) -> None:
    await record(ledger, ran(one("a", "skipped")), ran(one("b")))
    assert list(await known(ledger)) == ["b"]


async def test_counts_add_up_over_runs(ledger: Ledger) -> None:
    flaky = ran(one("a", "failed"), one("a", "failed"), one("a"), came_to="flaky")
    await record(ledger, flaky)
    await record(ledger, ran(one("a")), revision="r2")
    await record(ledger, ran(one("a", "failed")), revision="r3")
    async with ledger.open() as book:
        (found,) = await book.records("shop")
    assert (found.runs, found.failures, found.flakes, found.revision) == (5, 3, 1, "r3")
    assert found.last_failed == found.last_seen
    assert found.first_seen < found.last_seen


async def test_the_time_of_the_last_failure_outlives_a_success(ledger: Ledger) -> None:
    await record(ledger, ran(one("a", "failed")))
    await record(ledger, ran(one("a")), revision="r2")
    async with ledger.open() as book:
        (found,) = await book.records("shop")
    assert found.last_failed == found.first_seen
    assert found.last_failed < found.last_seen


async def test_the_worst_test_comes_first_and_one_without_failures_not_at_all(
    ledger: Ledger,
) -> None:
    half = [one("", "failed"), one("")]
    third = [*half, one("")]
    runs = {"d": third, "c": [one("", "failed")], "b": half, "a": half, "good": [one("")]}
    tests = [
        ran(*(entry.model_copy(update={"name": name}) for entry in entries), came_to="failed")
        for name, entries in runs.items()
    ]
    await record(ledger, *tests)
    async with ledger.open() as book:
        assert [found.name for found in await book.records("shop")] == ["c", "a", "b", "d"]


async def test_a_failure_and_a_success_in_one_run_are_proof_with_both_logs(ledger: Ledger) -> None:
    failed = one("a", "failed", text="the traceback", output="printed")
    await record(ledger, ran(failed, one("a", output="all well"), came_to="flaky"))
    async with ledger.open() as book:
        (proof,) = await book.proofs("shop")
    assert (proof.layer, proof.name, proof.revision, proof.run) == ("unit", "a", "r1", "run 1")
    assert (proof.failed_log, proof.passed_log) == ("the traceback\nprinted", "all well")


@pytest.mark.parametrize("first", ["passed", "failed"])
async def test_two_runs_of_one_revision_are_proof_with_both_logs(
    ledger: Ledger, first: Outcome
) -> None:
    second: Outcome = "failed" if first == "passed" else "passed"
    await record(ledger, ran(one("a", first, output=first)))
    await record(ledger, ran(one("a", second, output=second)), run="run 2")
    async with ledger.open() as book:
        (proof,) = await book.proofs("shop")
    assert (proof.passed_log, proof.failed_log, proof.run) == ("passed", "failed", "run 2")


async def test_runs_of_two_revisions_prove_nothing(ledger: Ledger) -> None:
    await record(ledger, ran(one("a")))
    await record(ledger, ran(one("a", "failed")), revision="r2")
    async with ledger.open() as book:
        assert await book.proofs("shop") == []


async def test_the_first_proof_of_a_revision_stays_and_the_newest_revision_comes_first(
    ledger: Ledger,
) -> None:
    for revision, run in (("r1", "run 1"), ("r1", "run 2"), ("r2", "run 3")):
        flaky = ran(one("a", "failed", text=run), one("a"), came_to="flaky")
        await record(ledger, flaky, revision=revision, run=run)
    async with ledger.open() as book:
        found = await book.proofs("shop")
    assert [(proof.revision, proof.failed_log) for proof in found] == [
        ("r2", "run 3"),
        ("r1", "run 1"),
    ]


async def test_a_killed_run_is_taken_up_where_it_was(ledger: Ledger) -> None:
    async with ledger.open() as book:
        await book.note_passed("inputs", [one("a", seconds=1.5), one("b")])
    async with ledger.open() as book:
        await book.note_passed("inputs", [one("b"), one("c")])
        await book.note_passed("others", [one("d")])
        await book.note_passed("inputs", [])
    async with ledger.open() as book:
        assert await book.passed("inputs") == {"a": 1.5, "b": 1.0, "c": 1.0}
        await book.forget("inputs")
    async with ledger.open() as book:
        assert await book.passed("inputs") == {}
        assert await book.passed("others") == {"d": 1.0}


async def test_what_a_run_that_never_came_back_had_passed_is_forgotten_in_time(
    ledger: Ledger,
) -> None:
    async with ledger.open() as book:
        await book.note_passed("old", [one("a")])
        await book.note_passed("young", [one("a")])
        for inputs, days in (("old", 15), ("young", 13)):
            at = datetime.now(UTC) - timedelta(days=days)
            rows = update(PASSED).where(PASSED.c.inputs == inputs).values(at=at)
            await book._connection.execute(rows)
        await book.forget("mine")
        assert await book.passed("old") == {}
        assert await book.passed("young") == {"a": 1.0}


async def test_what_is_old_is_counted_and_dropped_and_nothing_else(ledger: Ledger) -> None:
    layer = LayerResult(layer="unit", weight=70, budget_seconds=60, tests=(), seconds=1.0)
    begin = datetime.now(UTC)
    for name in ("old", "young"):
        await record(ledger, ran(one(name, "failed"), one(name)), layer=name)
        async with ledger.open() as book:
            await book.keep_green(name, "run 1", layer)
            await book.note_passed(name, [one("a")])
    before = begin - timedelta(days=20)
    async with ledger.open() as book:
        for aged, whose in (
            (TESTS.c.last_seen, TESTS.c.layer),
            (PROOFS.c.at, PROOFS.c.layer),
            (GREEN.c.at, GREEN.c.inputs),
            (PASSED.c.at, PASSED.c.inputs),
        ):
            rows = update(aged.table).where(whose == "old").values({aged: before})
            await book._connection.execute(rows)
    month, none = begin - timedelta(days=30), OldRows(tests=0, proofs=0, passed=1, green=0)
    one_each = OldRows(tests=1, proofs=1, passed=1, green=1)
    async with ledger.open() as book:
        assert await book.count_old(month, month) == none
        assert await book.count_old(begin, begin) == one_each
        assert await book.drop_old(begin, begin) == one_each
        assert await book.count_old(begin, begin) == OldRows(tests=0, proofs=0, passed=0, green=0)
    async with ledger.open() as book:
        assert await book.green("old") is None
        assert await book.green("young") is not None
        assert [each.layer for each in await book.proofs("shop")] == ["young"]
        assert await book.passed("young") == {"a": 1.0}
    assert (await known(ledger, "old"), list(await known(ledger, "young"))) == ({}, ["young"])


async def test_a_green_layer_is_found_by_its_inputs_and_names_its_run(ledger: Ledger) -> None:
    tests = tuple(one(name) for name in ["a", *HOSTILE])
    green = LayerResult(layer="unit", weight=70, budget_seconds=60, tests=tests, seconds=1.0)
    async with ledger.open() as book:
        await book.keep_green("inputs", "run 1", green)
    async with ledger.open() as book:
        await book.keep_green("inputs", "run 2", green)
    async with ledger.open() as book:
        found = await book.green("inputs")
        assert found is not None
        assert found.cached == "run 1"
        assert [test.outcome for test in found.tests] == ["passed"] * len(tests)
        assert await book.green("others") is None


async def test_hostile_names_and_logs_are_kept_apart_and_found_again(ledger: Ledger) -> None:
    names = [*HOSTILE, "long " * 2000 + "but another"]
    tests = [
        ran(one(name, "failed", text=name), one(name, output=name * 3), came_to="flaky")
        for name in names
    ]
    await record(ledger, *tests)
    expected = {ledger_name(name) for name in names}
    assert len(expected) == len(names)
    assert set(await known(ledger)) == expected
    async with ledger.open() as book:
        assert {found.name for found in await book.records("shop")} == expected
        proofs = await book.proofs("shop")
        assert {proof.name for proof in proofs} == expected
        assert all(0 < len(proof.passed_log) <= 20_000 for proof in proofs)
        await book.note_passed("inputs", [one(name) for name in names])
        assert set(await book.passed("inputs")) == expected


async def test_five_thousand_tests_are_recorded_at_once_and_again(ledger: Ledger) -> None:
    tests = [ran(one(f"test {number}", seconds=number)) for number in range(5000)]
    for _ in range(2):
        await record(ledger, *tests)
    found = await known(ledger)
    assert len(found) == 5000
    assert all(found[f"test {number}"].seconds == number for number in range(5000))
    async with ledger.open() as book:
        await book.note_passed("inputs", [entry.result for entry in tests])
        assert len(await book.passed("inputs")) == 5000


async def test_an_error_undoes_all_that_was_written(ledger: Ledger) -> None:
    async def fail() -> None:
        async with ledger.open() as book:
            await book.record("shop", "unit", "r1", "run 1", [ran(one("a"))])
            raise ValueError("the worker's own")

    with pytest.raises(ValueError, match="the worker's own"):
        await fail()
    assert await known(ledger) == {}


async def test_writers_at_once_lose_nothing(ledger: Ledger) -> None:
    names = [f"test {number}" for number in range(300)]

    async def write(number: int) -> None:
        # Each in an order of its own: rows that are locked crosswise would block each other.
        mine = names[number * 37 :] + names[: number * 37]
        tests = [ran(one(name, "failed")) for name in (reversed(mine) if number % 2 else mine)]
        await record(ledger, *tests, run=f"run {number}")

    await known(ledger)
    await asyncio.gather(*(write(number) for number in range(6)))
    async with ledger.open() as book:
        assert {found.runs for found in await book.records("shop")} == {6}


async def test_the_first_opens_at_once_make_the_tables_once(ledger: Ledger) -> None:
    await asyncio.gather(*(record(ledger, ran(one(f"test {n}"))) for n in range(6)))
    assert len(await known(ledger)) == 6


async def test_a_database_of_another_shape_is_a_retry_that_says_so(ledger: Ledger) -> None:
    await known(ledger)
    async with ledger.open() as book:
        await book._connection.execute(text("DROP TABLE shipway_test"))
        await book._connection.execute(text("CREATE TABLE shipway_test (app VARCHAR)"))
    with pytest.raises(RetryError) as caught:
        await known(ledger)
    assert caught.value.what == "The ledger cannot be read or written."
    assert "layer" in str(caught.value.facts["got"]) or "name" in str(caught.value.facts["got"])


async def test_a_database_that_does_not_answer_is_a_retry_without_the_password(
    free_port: int,
) -> None:
    url = f"postgresql+asyncpg://ada:hunter2@127.0.0.1:{free_port}/ledger"
    with pytest.raises(RetryError) as caught:
        await known(Ledger(url=SecretStr(url)))
    assert caught.value.what == "The ledger cannot be read or written."
    assert caught.value.facts["where"] == url.replace("hunter2", "***")
    assert "hunter2" not in f"{caught.value!s}{caught.value!r}"


@pytest.mark.parametrize(
    "scheme", ["postgresql", "postgres", "mysql+aiomysql", "", "http", "sqlite"]
)
async def test_a_url_of_another_kind_is_refused_without_the_password(scheme: str) -> None:
    ledger = Ledger(url=SecretStr(f"{scheme}://ada:hunter2@db.example.org/ledger"))
    with pytest.raises(RefuseError) as caught:
        await known(ledger)
    assert caught.value.what == "The ledger's url is not one of a database."
    assert "hunter2" not in str(caught.value)


async def test_a_wrong_password_is_a_retry_without_it() -> None:
    server = make_url(await asyncio.to_thread(_postgresql))
    url = server.set(password="hunter2").render_as_string(hide_password=False)
    with pytest.raises(RetryError) as caught:
        await known(Ledger(url=SecretStr(url)))
    assert "password authentication failed" in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def test_a_folder_that_cannot_be_written_is_a_retry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWAY_STATE", str(tmp_path))
    await known(Ledger())
    _put_a_folder_in_its_place(tmp_path)
    before = set(threading.enumerate())
    with pytest.raises(RetryError) as caught:
        await known(Ledger())
    # aiosqlite#241: it does not wait for the thread, which would outlive the event loop.
    for thread in set(threading.enumerate()) - before:
        await asyncio.to_thread(thread.join)
    assert str(caught.value.facts["where"]).endswith("ledger.sqlite")
    assert "unable to open database file" in str(caught.value.facts["got"])


def _put_a_folder_in_its_place(state: Path) -> None:
    (file,) = state.rglob("ledger.sqlite")
    for leftover in file.parent.glob("ledger.sqlite*"):
        leftover.unlink()
    file.mkdir()
