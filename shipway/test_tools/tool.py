"""What a test tool is to Shipway: one file a tool, and this seam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from pydantic import BaseModel, ConfigDict

from shipway.pyramid.results import TestResult


class Collected(BaseModel):
    """The tool has found its tests: how many it will run, and a hash of all that there are."""

    model_config = ConfigDict(frozen=True)

    count: int
    suite: str


Event = str | TestResult | Collected


class Plan(BaseModel):
    """Which tests one invocation runs.

    Attributes:
        only: These alone, as `Tool.unit_of` names them; otherwise the shard's part of all.
        done: What is left out, because it is green already.
        seconds: What each took before. Both are keyed by `Tool.unit_of` as the ledger keeps it.
        split: What is kept together.
        shard: Which part, from 0.
        shards: How many parts.
    """

    model_config = ConfigDict(frozen=True)

    only: tuple[str, ...] | None = None
    done: tuple[str, ...] = ()
    seconds: Mapping[str, float] = {}
    split: Literal["test", "file"] = "test"
    shard: int = 0
    shards: int = 1


class Invocation(BaseModel):
    """A command, its environment, files to lay beside it, and the file it leaves.

    Attributes:
        files: Content by name, below the folder that the place gives.
        results: Path to fetch afterwards.
    """

    model_config = ConfigDict(frozen=True)

    command: list[str]
    env: dict[str, str]
    files: dict[str, bytes] = {}
    results: str | None = None


class Ended(BaseModel):
    """How an invocation ended: its exit status, and the file it left."""

    model_config = ConfigDict(frozen=True)

    status: int
    results: bytes | None = None


class Reader(Protocol):
    """Reads what one invocation prints."""

    def feed(self, chunk: bytes) -> Sequence[Event]:
        """Lines to log, and results the moment they are known."""
        ...

    def finish(self, ended: Ended, last_words: str) -> Sequence[TestResult]:
        """Results that are known only now.

        Raises:
            FailError: The tool did not come to its end, or left no results or unreadable ones.
        """
        ...


class Tool(Protocol):
    """A test tool: how it is asked for some of its tests, and how it tells of them."""

    @property
    def splits(self) -> bool:
        """Whether it can run a part of its tests: needed for shards, retries and new tests."""
        ...

    def invocation(self, plan: Plan, folder: str, env: Mapping[str, str]) -> Invocation | None:
        """What to run; None where the plan leaves nothing.

        Args:
            plan: Which tests.
            folder: Where the invocation's files will lie.
            env: What the command finds in its environment otherwise.
        """
        ...

    def reader(self) -> Reader:
        """A reader for one invocation."""
        ...

    def unit_of(self, test: TestResult) -> str:
        """What to ask for to run a test again, with as few others as the tool allows."""
        ...

    def local_command(self, test: TestResult) -> str:
        """The command that runs just this test on a developer's machine."""
        ...
