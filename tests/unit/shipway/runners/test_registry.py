"""A runner from outside the package, added by one line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest

from flows.runtime.open_runner import open_runner, runners_with_settings
from flows.tasks.build import build_tests
from shipway.config.pipeline import read_pipeline
from shipway.errors import RefuseError
from shipway.layers.environment import environment_spec
from shipway.runners.environment import EnvironmentSpec, Images, Output
from shipway.runners.registry import RUNNERS
from shipway.runners.runner import ImageSource, PreparesPlaces
from shipway.test_tools.tool import Ended, Invocation
from tests.support.code import code_of

PIPELINE = "app: shop\ntests: {layers: {unit: {command: [pytest], runner: ssh, reads: [src]}}}\n"
STARTED: set[str] = set()


class SshEnvironment:
    """Stands for a login on another machine."""

    folder = "/tmp"

    def __init__(self, spec: EnvironmentSpec) -> None:
        self.env = {"HOST": "there", **spec.env}

    async def run(self, invocation: Invocation, output: Output) -> Ended:
        process = await asyncio.create_subprocess_exec(
            *invocation.command,
            env={**self.env, **invocation.env},
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()
        output(printed)
        return Ended(status=process.returncode or 0)


class SshRunner:
    """Commands on another machine."""

    images: ClassVar[ImageSource] = "none"
    services: ClassVar[bool] = False
    block: ClassVar[str | None] = None

    @asynccontextmanager
    async def environment(self, spec: EnvironmentSpec) -> AsyncGenerator[SshEnvironment]:
        STARTED.add(spec.run)
        yield SshEnvironment(spec)
        STARTED.remove(spec.run)

    async def owners(self) -> dict[str, set[str]]:
        return {run: {""} for run in STARTED}

    async def remove(self, run: str) -> int:
        STARTED.discard(run)
        return 1

    async def slots(self) -> int:
        return 7


@pytest.fixture
def _ssh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RUNNERS, "ssh", SshRunner)


@pytest.mark.usefixtures("_ssh")
async def test_a_runner_from_outside_runs_an_invocation_of_a_layer_that_names_it() -> None:
    code = code_of(read_pipeline(PIPELINE))
    runner = await open_runner(code.pipeline.tests.layers["unit"].runner)
    assert await runner.slots() == 7
    spec = environment_spec(code, "unit", Images(tests=None, app=None), "run", 0)
    printed: list[bytes] = []
    async with runner.environment(spec) as environment:
        invocation = Invocation(command=["/bin/sh", "-c", "echo $HOST $X; exit 3"], env={"X": "1"})
        assert await environment.run(invocation, printed.append) == Ended(status=3)
        assert await runner.owners() == {"run": {""}}
    assert printed == [b"there 1\n"]
    assert await runner.owners() == {}


@pytest.mark.usefixtures("_ssh")
async def test_what_the_file_may_say_and_what_is_built_follow_from_the_runners_facts() -> None:
    assert await build_tests(code_of(read_pipeline(PIPELINE))) is None
    with pytest.raises(RefuseError) as caught:
        read_pipeline(PIPELINE.replace("reads: [src]", "app: {}"))
    assert "a ssh has no services and no app" in str(caught.value.facts["expected"])
    with pytest.raises(RefuseError) as caught:
        read_pipeline(PIPELINE.replace("runner: ssh, ", ""))
    assert "reads is for runner: process or ssh" in str(caught.value.facts["expected"])


@pytest.mark.usefixtures("_ssh")
async def test_clean_up_asks_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # Settings are Prefect's to keep, and there is no Prefect here.
    for name in ("container", "pod"):
        monkeypatch.delitem(RUNNERS, name)
    kinds = {type(runner) for runner in await runners_with_settings()}
    assert kinds == {RUNNERS["process"], SshRunner}


def test_a_runner_that_nobody_knows_is_refused_with_those_that_are() -> None:
    with pytest.raises(RefuseError) as caught:
        read_pipeline(PIPELINE)
    assert caught.value.what == "The value of 'tests.layers.unit.runner' is not valid."
    assert str(caught.value.facts["expected"]) == (
        "there is no runner 'ssh': use one of container, pod, process"
    )


def test_only_containers_start_before_they_are_needed() -> None:
    early = [name for name, runner in RUNNERS.items() if issubclass(runner, PreparesPlaces)]
    assert early == ["container"]
