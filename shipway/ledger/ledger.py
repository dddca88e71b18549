"""Where the ledger is kept."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

from asyncpg.exceptions import PostgresError
from pydantic import BaseModel, Field, SecretStr
from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from shipway.errors import RefuseError, RetryError
from shipway.ledger.session import LedgerSession
from shipway.ledger.tables import METADATA
from shipway.workspace import workspace

BUSY_SECONDS = 60
# Any number that nobody else locks in this database.
MAKING_TABLES = 7_449_177


class Ledger(BaseModel):
    """What each test did before: durations, failures, flakes, and layers that were green."""

    url: SecretStr | None = Field(
        default=None,
        description="PostgreSQL, as postgresql+asyncpg://user:password@host/database, for workers "
        "on several machines. A SQLite file in the worker's workspace if left empty.",
    )

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[LedgerSession]:
        """The ledger in one transaction, which an error undoes.

        Raises:
            RetryError: The database does not answer.
            RefuseError: The url is none of a database.
        """
        engine = self._engine()
        if engine.dialect.name == "sqlite":
            event.listen(engine.sync_engine, "connect", _for_many_processes)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(_have_tables)
                yield LedgerSession(connection)
        except (SQLAlchemyError, PostgresError, OSError) as error:
            raise RetryError(
                "The ledger cannot be read or written.",
                where=engine.url.render_as_string(hide_password=True),
                got=str(error).partition("\n")[0],
                remedy="check the block ledger/default in the Prefect UI, and its database",
            ) from error
        finally:
            await engine.dispose()

    def _engine(self) -> AsyncEngine:
        try:
            return create_async_engine(self._address(), poolclass=NullPool)
        except (SQLAlchemyError, ImportError, ValueError):
            # What they say may hold the password.
            raise RefuseError(
                "The ledger's url is not one of a database.",
                where="the block ledger/default",
                expected="postgresql+asyncpg://user:password@host/database",
            ) from None

    def _address(self) -> str:
        if self.url is not None:
            return self.url.get_secret_value()
        return f"sqlite+aiosqlite:///{workspace()}/ledger.sqlite"


def _have_tables(connection: Connection) -> None:
    """Make the tables where they are missing; one of many that come at once makes them."""
    if all(inspect(connection).has_table(name) for name in METADATA.tables):
        return
    sqlite = connection.dialect.name == "sqlite"
    lock = "BEGIN IMMEDIATE" if sqlite else f"SELECT pg_advisory_xact_lock({MAKING_TABLES})"
    connection.execute(text(lock))
    METADATA.create_all(connection)


def _for_many_processes(connection: Any, _record: Any) -> None:
    """Readers do not wait for a writer, and writers wait for each other."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    # It is the file's for good once it is set. SQLite does not wait to set it: where another one
    # is at work in the new file, this is left to whoever comes next.
    with suppress(sqlite3.OperationalError):
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.close()
