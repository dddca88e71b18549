"""What a test tool is to Shipway: one file a tool, and this seam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from shipway.pyramid.plan import Collected, Plan
from shipway.pyramid.results import TestResult

# Stands in a command for the files of a shard.
FILES = "{files}"

Event = str | TestResult | Collected


class ToolSettings(BaseModel):
    """What a layer says to its tool.

    Attributes:
        command: Program and arguments.
        files: Glob of the test files, for a command with `{files}`.
        junit: Glob of the JUnit XML that the command writes, if not to $SHIPWAY_JUNIT.
    """

    model_config = ConfigDict(frozen=True)

    command: tuple[str, ...]
    files: str | None = None
    junit: str | None = None

    @property
    def keys(self) -> frozenset[str]:
        """The keys that are given beside the command."""
        return frozenset(self.model_dump(exclude={"command"}, exclude_none=True))


class Invocation(BaseModel):
    """A command, its environment, files to lay beside it, and the files it leaves.

    Attributes:
        files: Content by name, below the folder that the test environment gives.
        results: Glob of the files to fetch afterwards, from the working directory. One that was
            there before counts only if it has changed.
    """

    model_config = ConfigDict(frozen=True)

    command: list[str]
    env: dict[str, str]
    files: dict[str, bytes] = {}
    results: str | None = None


class Ended(BaseModel):
    """How an invocation ended: its exit status, and the results files it left, by path."""

    model_config = ConfigDict(frozen=True)

    status: int
    results: dict[str, bytes] = {}


class Reader(Protocol):
    """Reads what one invocation prints."""

    def feed(self, chunk: bytes) -> Sequence[Event]:
        """Lines to log, and results the moment they are known."""
        ...

    def running(self) -> Sequence[TestResult]:
        """The tests that have begun and are not over, as failures; none where nobody tells."""
        ...

    def finish(self, ended: Ended, last_words: str) -> Sequence[TestResult]:
        """Results that are known only now.

        Raises:
            FailError: The tool did not come to its end, or left no results or unreadable ones.
        """
        ...


class Tool(Protocol):
    """A test tool: how it is asked for some of its tests, and how it tells of them.

    Attributes:
        keys: The keys of `ToolSettings` that it takes beside the command.
    """

    keys: ClassVar[frozenset[str]]

    @classmethod
    def recognizes(cls, command: Sequence[str]) -> bool:
        """Whether a command that names no tool runs this one."""
        ...

    @classmethod
    def check(cls, settings: ToolSettings) -> None:
        """See that it can run what it is given.

        Raises:
            ValueError: It cannot; with what it needs.
        """
        ...

    @classmethod
    def splits(cls, settings: ToolSettings) -> bool:
        """Whether it can run a part of its tests: needed for shards, retries and new tests."""
        ...

    @classmethod
    def create(cls, settings: ToolSettings, code: Path, *, fail_fast: bool) -> Tool:
        """The tool of one run of a layer.

        Args:
            settings: What the layer says.
            code: The app's checked-out folder.
            fail_fast: Whether the first failure ends the layer.

        Raises:
            RefuseError: The layer's `files` match nothing.
        """
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
