"""A test environment: the clean place that a shard's commands run in, and what is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from shipway.errors import RefuseError
from shipway.test_tools.tool import Ended, Invocation

# What shells and Docker's init return for a program that is not there or no program.
CANNOT_EXECUTE = {126, 127}

Output = Callable[[bytes], None]


class Images(BaseModel):
    """The images of a revision: the one tests run in, and the one that ships.

    As their builder names them: local ids on an engine, or references where a registry has them.
    None where no layer needs it.
    """

    model_config = ConfigDict(frozen=True)

    tests: str | None
    app: str | None


class Sidecar(BaseModel):
    """A container beside the tests, reachable by its name."""

    model_config = ConfigDict(frozen=True)

    image: str
    env: dict[str, str]
    ready: list[str] | None


class EnvironmentSpec(BaseModel):
    """What a test environment is made of.

    Attributes:
        run: The flow run that all of it is labelled with, so that it can be found again.
        name: A name for people, which no other environment of the run has.
        code: The checked-out folder of the app.
        image: What commands run in; None where the runner uses no image.
        env: Environment of the commands: the layer's, and for published images the image's, too.
        sidecars: What runs beside the commands, by the name they are reachable by.
        timeout_seconds: How long a command may take.
    """

    model_config = ConfigDict(frozen=True)

    run: str
    name: str
    code: Path
    image: str | None = None
    env: dict[str, str] = {}
    sidecars: dict[str, Sidecar] = {}
    timeout_seconds: float


class TestEnvironment(Protocol):
    """A clean place with the shard's services around it; leaving it removes all of it."""

    @property
    def folder(self) -> str:
        """Where the files of an invocation lie."""
        ...

    @property
    def env(self) -> Mapping[str, str]:
        """The environment that a command finds there."""
        ...

    async def run(self, invocation: Invocation, output: Output) -> Ended:
        """Run a command to its end; cancelling the call kills all that it started.

        Args:
            invocation: What to run.
            output: Called, from another thread, with what the command prints as it does.

        Raises:
            RefuseError: There is no such program.
            FailError: The results cannot be read.
        """
        ...


def no_such_program(command: list[str], message: str) -> RefuseError:
    """What to say where a test command cannot start."""
    return RefuseError(
        "The test command cannot start.",
        where=" ".join(command),
        expected="a program that the layer's runner finds",
        got=message,
        remedy="check the layer's command, and tests.target in pipeline.yaml",
    )
