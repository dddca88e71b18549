"""What is asked of the ledger, and what is written there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, Table, and_, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from shipway.ledger.tables import GREEN, PASSED, PROOFS, TESTS
from shipway.pyramid.results import LayerResult, TestResult
from shipway.pytest_plugin.shipway_names import ledger_name

# How much the newest duration counts against those before.
NEWEST = 0.5
MOST_LOG = 20_000
# What a killed run had gone green with is of no use once the branch has moved on.
KEPT_FOR = timedelta(days=14)
MANY = 500
SUMS = ("runs", "failures", "flakes")
LATEST = (
    *("unit", "last_seen", "last_failed", "revision"),
    *("passed_revision", "passed_log", "failed_revision", "failed_log"),
)


class KnownTest(BaseModel):
    """What is known of a test before it runs.

    Attributes:
        unit: What its tool asks for to run it alone.
        seconds: What it takes; None before it passed once.
        proven: It has passed as often as a new test must.
    """

    model_config = ConfigDict(frozen=True)

    unit: str
    seconds: float | None
    proven: bool


class Record(BaseModel):
    """A test's line in the ledger."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    layer: str
    name: str
    runs: int
    failures: int
    flakes: int
    first_seen: datetime
    last_seen: datetime
    last_failed: datetime | None
    revision: str


class Proof(BaseModel):
    """One revision on which a test both passed and failed."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    layer: str
    name: str
    revision: str
    run: str
    at: datetime
    passed_log: str
    failed_log: str


class OldRows(BaseModel):
    """How many rows are old.

    Attributes:
        tests: Tests that have not run for long.
        proofs: Revisions on which a test both passed and failed.
        passed: Tests that passed in a run that was killed.
        green: Green layers.
    """

    model_config = ConfigDict(frozen=True)

    tests: int
    proofs: int
    passed: int
    green: int


class TestRun(BaseModel):
    """A test in one run of a layer.

    Attributes:
        unit: What its tool asks for to run it alone.
        runs: Each time it ran.
        result: What these come to.
        proven: It has passed as often as a new test must.
    """

    __test__ = False
    model_config = ConfigDict(frozen=True)

    unit: str
    runs: tuple[TestResult, ...]
    result: TestResult
    proven: bool


class LedgerSession:
    """The ledger while it is open."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def known(self, app: str, layer: str) -> dict[str, KnownTest]:
        """The tests of a layer, by the name that the ledger keeps."""
        columns = TESTS.c.name, TESTS.c.unit, TESTS.c.seconds, TESTS.c.proven
        query = select(*columns).where(TESTS.c.app == app, TESTS.c.layer == layer)
        return {
            row.name: KnownTest(unit=row.unit, seconds=row.seconds, proven=row.proven)
            for row in await self._connection.execute(query)
        }

    async def green(self, inputs: str) -> LayerResult | None:
        """The result of a layer that was green with these inputs."""
        query = select(GREEN.c.result, GREEN.c.run).where(GREEN.c.inputs == inputs)
        row = (await self._connection.execute(query)).one_or_none()
        if row is None:
            return None
        result = LayerResult.model_validate(json.loads(row.result))
        return result.model_copy(update={"cached": row.run})

    async def passed(self, inputs: str) -> dict[str, float]:
        """Tests that passed with these inputs in a run that did not come to its end; seconds."""
        query = select(PASSED.c.name, PASSED.c.seconds).where(PASSED.c.inputs == inputs)
        rows = await self._connection.execute(query)
        return {row.name: row.seconds for row in rows}

    async def note_passed(self, inputs: str, tests: Iterable[TestResult]) -> None:
        """Remember tests that passed, in case the run is killed."""
        now = datetime.now(UTC)
        rows = [
            {"inputs": inputs, "name": ledger_name(test.name), "seconds": test.seconds, "at": now}
            for test in tests
        ]
        await self._insert(PASSED, rows)

    async def forget(self, inputs: str) -> None:
        """Drop what was remembered for a killed run, and what is older than two weeks."""
        old = datetime.now(UTC) - KEPT_FOR
        await self._connection.execute(
            delete(PASSED).where((PASSED.c.inputs == inputs) | (PASSED.c.at < old))
        )

    async def keep_green(self, inputs: str, run: str, result: LayerResult) -> None:
        """Remember a green layer: with the same inputs it does not run again."""
        # Pydantic's own JSON takes no half of a surrogate pair; a test may be called so.
        text = json.dumps(result.model_dump())
        row = {"inputs": inputs, "run": run, "at": datetime.now(UTC), "result": text}
        await self._insert(GREEN, [row])

    async def record(
        self, app: str, layer: str, revision: str, run: str, tests: Sequence[TestRun]
    ) -> None:
        """Write down what tests did in one run, and proof where a revision passed and failed."""
        before = await self._logs(app, layer, revision)
        rows: list[dict[str, Any]] = []
        proofs: list[dict[str, Any]] = []
        now = datetime.now(UTC)
        for test in tests:
            if all(result.outcome == "skipped" for result in test.runs):
                continue
            row = {"app": app, "layer": layer, **_row(test, revision, now)}
            rows.append(row)
            earlier = before.get(row["name"], {})
            failed = row["failed_log"] if row["failures"] else earlier.get("failed_log")
            passed = row["passed_log"] if row["passed_revision"] else earlier.get("passed_log")
            if failed is not None and passed is not None:
                proofs.append(
                    {"app": app, "layer": layer, "name": row["name"], "revision": revision}
                    | {"run": run, "at": now, "passed_log": passed, "failed_log": failed}
                )
        await self._insert(TESTS, rows, _updates)
        await self._insert(PROOFS, proofs)

    async def count_old(self, tests: datetime, green: datetime) -> OldRows:
        """What is older than that; nothing is dropped.

        Args:
            tests: When a test ran last, or a proof was found.
            green: When a layer was green.
        """
        found = dict[str, int]()
        for name, (table, is_old) in _old(tests, green).items():
            query = select(func.count()).select_from(table).where(is_old)
            found[name] = (await self._connection.execute(query)).scalar_one()
        return OldRows(**found)

    async def drop_old(self, tests: datetime, green: datetime) -> OldRows:
        """Drop what is older than that; what was dropped.

        Args:
            tests: When a test ran last, or a proof was found.
            green: When a layer was green.
        """
        dropped = dict[str, int]()
        for name, (table, is_old) in _old(tests, green).items():
            dropped[name] = (await self._connection.execute(delete(table).where(is_old))).rowcount
        return OldRows(**dropped)

    async def records(self, app: str) -> list[Record]:
        """Tests that failed at least once, the worst first."""
        rate = TESTS.c.failures * 1.0 / TESTS.c.runs
        query = select(TESTS).where(TESTS.c.app == app, TESTS.c.failures > 0)
        rows = await self._connection.execute(query.order_by(rate.desc(), TESTS.c.name))
        return [Record.model_validate(row) for row in rows.mappings()]

    async def proofs(self, app: str) -> list[Proof]:
        """Revisions on which a test both passed and failed, the newest first."""
        query = select(PROOFS).where(PROOFS.c.app == app).order_by(PROOFS.c.at.desc())
        rows = await self._connection.execute(query)
        return [Proof.model_validate(row) for row in rows.mappings()]

    async def _logs(self, app: str, layer: str, revision: str) -> dict[str, dict[str, str]]:
        """Logs of earlier runs of a revision, by test."""
        logs: dict[str, dict[str, str]] = {}
        for kind in ("passed", "failed"):
            of_revision = TESTS.c[f"{kind}_revision"] == revision
            query = select(TESTS.c.name, TESTS.c[f"{kind}_log"]).where(
                and_(TESTS.c.app == app, TESTS.c.layer == layer, of_revision)
            )
            for name, log in await self._connection.execute(query):
                logs.setdefault(name, {})[f"{kind}_log"] = log or ""
        return logs

    async def _insert(
        self,
        table: Table,
        rows: list[dict[str, Any]],
        updates: Callable[[Any, Any], dict[str, Any]] | None = None,
    ) -> None:
        """Insert rows; where one is there already, update it, or leave it as it is."""
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        statement = dialect.insert(table)
        keys = [column.name for column in table.primary_key]
        if updates:
            changed = updates(table.c, statement.excluded)
            statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
        else:
            statement = statement.on_conflict_do_nothing(index_elements=keys)
        # One order for all: two runs that write the same rows do not wait for each other in turns.
        rows = sorted(rows, key=lambda row: tuple(row[key] for key in keys))
        for begin in range(0, len(rows), MANY):
            await self._connection.execute(statement, rows[begin : begin + MANY])


def _old(tests: datetime, green: datetime) -> dict[str, tuple[Table, ColumnElement[bool]]]:
    """The tables, and which of their rows are old."""
    return {
        "tests": (TESTS, TESTS.c.last_seen < tests),
        "proofs": (PROOFS, PROOFS.c.at < tests),
        "passed": (PASSED, PASSED.c.at < datetime.now(UTC) - KEPT_FOR),
        "green": (GREEN, GREEN.c.at < green),
    }


def _row(test: TestRun, revision: str, now: datetime) -> dict[str, Any]:
    failed = [run for run in test.runs if run.outcome == "failed"]
    passed = [run for run in test.runs if run.outcome == "passed"]
    return {
        "name": ledger_name(test.result.name),
        "unit": test.unit,
        "seconds": passed[-1].seconds if passed else None,
        "runs": len(test.runs),
        "failures": len(failed),
        "flakes": int(test.result.outcome == "flaky"),
        "proven": test.proven,
        "first_seen": now,
        "last_seen": now,
        "last_failed": now if failed else None,
        "revision": revision,
        "passed_revision": revision if passed else None,
        "passed_log": _log(passed[-1]) if passed else None,
        "failed_revision": revision if failed else None,
        "failed_log": _log(failed[-1]) if failed else None,
    }


def _log(test: TestResult) -> str:
    log = "\n".join(part for part in (test.text, test.output) if part)
    # PostgreSQL holds no NUL, and no half of a surrogate pair.
    return log[-MOST_LOG:].replace("\0", "?").encode("utf-8", "replace").decode()


def _updates(old: Any, new: Any) -> dict[str, Any]:
    """What becomes of a test's line where there is one: counts add up, the newest counts most."""
    smoothed = NEWEST * new.seconds + (1 - NEWEST) * func.coalesce(old.seconds, new.seconds)
    return {
        "seconds": func.coalesce(smoothed, old.seconds),
        "proven": old.proven | new.proven,
        **{name: old[name] + new[name] for name in SUMS},
        **{name: func.coalesce(new[name], old[name]) for name in LATEST},
    }
