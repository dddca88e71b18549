"""What is wrong stops the run, changes nothing, and says so clearly."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from prefect.client.schemas.objects import State

from blocks.ops_repository import OpsRepository
from blocks.registry import Registry
from blocks.source_repository import SourceRepository
from flows import release as module
from flows.release import release
from flows.runtime import overtaken
from shipway.app_environment import AppEnvironment
from shipway.release import Release
from shipway.rollout.commit import commit_release
from shipway.rollout.target import target_of
from shipway.runners.labels import RUN_LABEL
from tests.support.mistakes import said_of_run, tell
from tests.support.pages import paste
from tests.support.project import Project
from tests.support.remedies import commands_in
from tests.support.rolling_environment import image
from tests.support.run_contexts import run_context
from tests.support.runs import report, run_of, run_release, tasks_and_subflows

SLOW_STAGE = "COPY hello.py .\nRUN sleep 120\n"


@dataclass(frozen=True)
class Untouched:
    """What must be the same after a red run."""

    project: Project
    tags: dict[str, str]
    log: list[str]

    def check(self) -> None:
        """Neither the registry nor the ops repository has changed."""
        assert self.project.tags() == self.tags
        assert self.project.ops_log() == self.log


@pytest.fixture
def untouched(project: Project) -> Untouched:
    """The registry and the ops repository before the run."""
    return Untouched(project, project.tags(), project.ops_log())


async def tell_of_run(mistake: str, app: str, state: State[Any]) -> None:
    """See what is said of a run that failed."""
    tell(mistake, await said_of_run(app, state), {app: "hello"})


def files_in(clone: Path, folder: str) -> dict[str, str]:
    """The files of a folder of the ops repository, by path."""
    return {f"{folder}/{file.name}": file.read_text() for file in (clone / folder).iterdir()}


def checkout(project: Project) -> Path:
    """The app's folder, as its developers have it."""
    return Path(project.code.working_dir)


@pytest.mark.mistake
async def test_a_failing_unit_test_stops_the_run_and_the_build(
    project: Project, untouched: Untouched, engine: DockerClient
) -> None:
    dockerfile = project.file("Dockerfile").replace("COPY hello.py .\n", SLOW_STAGE)
    broken = project.file("hello.py").replace("Hello, {name}!", "Goodbye, {name}!")
    project.change({"Dockerfile": dockerfile, "hello.py": broken})
    state = await run_release(project.app)
    assert state.is_failed()
    message = str(state.message)
    assert "The unit layer is red: tests/test_hello.py::test_it_greets_the_world failed." in message
    assert "AssertionError: assert 'Goodbye, world!' == 'Hello, world!'" in message
    assert "untouched: the registry, the ops repository and the cluster" in message

    await tell_of_run("a test that fails", project.app, state)
    (again,) = commands_in(message)
    done = paste(again, {}, os.environ, checkout(project))
    assert "'Goodbye, world!' == 'Hello, world!'" in done.stdout
    tasks, subflows = await tasks_and_subflows(run_of(state))
    assert not tasks["build image"].is_completed()
    assert [name.split(" ")[0] for name in subflows] == ["unit"]
    untouched.check()
    left = {"label": f"{RUN_LABEL}={run_of(state)}"}
    assert engine.containers.list(all=True, sparse=True, filters=left) == []
    assert engine.networks.list(filters=left) == []
    assert engine.images.list(
        filters={"label": f"org.opencontainers.image.revision={project.revision}"}
    ) == [engine.images.get(one.id) for one in _test_images(engine, project)]
    assert "failed" in (await report(project.app, state)).splitlines()[0]


def _test_images(engine: DockerClient, project: Project) -> list[Any]:
    """The images of this revision that hold tests: the other one was never finished."""
    label = f"org.opencontainers.image.revision={project.revision}"
    images = engine.images.list(filters={"label": label})
    return [one for one in images if "/venv/bin" in str(one.attrs["Config"]["Env"])]


MISTAKES = {
    "an unknown key in pipeline.yaml": (
        "pipeline.yaml",
        lambda text: text.replace("target: test ", "targets: test "),
        [
            "Unknown key 'tests.targets' (did you mean 'target'?).",
            "where:     pipeline.yaml@{short}:5",
            "expected:  one of budget_seconds, layers, target",
        ],
    ),
    "a wrong value in pipeline.yaml": (
        "pipeline.yaml",
        lambda text: text.replace("[pytest, tests]", "pytest tests"),
        ["The value of 'tests.layers.unit.command' is not valid.", "got:       'pytest tests'"],
    ),
    "a Dockerfile that does not build": (
        "Dockerfile",
        lambda text: text.replace("COPY hello.py .", "COPY missing.py ."),
        ["The image does not build.", "where:     Dockerfile", "missing.py"],
    ),
    "a Dockerfile stage that is not there": (
        "pipeline.yaml",
        lambda text: text.replace("target: runtime", "target: product"),
        ["The image does not build.", "product"],
    ),
    "a test command that is not there": (
        "pipeline.yaml",
        lambda text: text.replace("[pytest, tests]", "[pytset, tests]"),
        ["The test command cannot start.", "where:     pytset tests", "pytset"],
    ),
    "a suite without tests": (
        "pipeline.yaml",
        lambda text: text.replace("[pytest, tests]", "[pytest, hello.py]"),
        ["The unit layer", "where:     pytest hello.py"],
    ),
}


@pytest.mark.mistake
@pytest.mark.parametrize("mistake", MISTAKES)
async def test_a_mistake_in_the_app_is_one_clear_error(
    project: Project, untouched: Untouched, mistake: str
) -> None:
    name, change, words = MISTAKES[mistake]
    project.change({name: change(project.file(name))})
    state = await run_release(project.app)
    assert state.is_failed()
    for word in words:
        assert word.format(short=project.revision[:7]) in str(state.message)
    await tell_of_run(mistake, project.app, state)
    for command in commands_in(str(state.message)):
        done = paste(command, {}, os.environ, checkout(project))
        assert done.returncode != 0
        assert words[-1] in done.stdout + done.stderr
    untouched.check()


@pytest.mark.mistake
async def test_a_pipeline_file_that_is_a_link_shows_nothing_of_the_worker(
    project: Project, untouched: Untouched, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("token-of-the-worker\n")
    project.link("pipeline.yaml", secret)
    message = await _failure(project, None, "no pipeline.yaml")
    assert "There is no pipeline.yaml." in message
    assert "token-of-the-worker" not in message
    untouched.check()
    (checkout(project) / "pipeline.yaml").unlink()
    (init,) = commands_in(message)
    for command in (init, "shipway check"):
        done = paste(command, {}, os.environ, checkout(project))
        assert done.returncode == 0, done.stderr


async def test_an_environment_outside_the_ops_repository_is_one_clear_error(
    project: Project, untouched: Untouched
) -> None:
    state = await release(project.app, environment="../..", until="commit", return_state=True)
    assert state.is_failed()
    assert "The parameter 'environment' is no name." in str(state.message)
    untouched.check()


@pytest.mark.mistake
async def test_an_unknown_revision_is_one_clear_error(
    project: Project, untouched: Untouched
) -> None:
    message = await _failure(project, "no-such-branch", "a revision that is not there")
    assert "There is no revision 'no-such-branch'." in message
    assert f"where:     {project.code.remote().url}" in message
    assert "expected:  a commit id, a tag, or a branch (main)" in message
    assert "untouched: everything: nothing was built, pushed or committed" in message
    untouched.check()


@pytest.mark.alone
async def test_an_unreachable_registry_is_one_clear_error(
    project: Project, untouched: Untouched
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{probe.getsockname()[1]}"
    real = await Registry.aload("default")
    try:
        await real.model_copy(update={"address": nobody}).asave("default", overwrite=True)
        message = await _failure(project, None)
    finally:
        await real.asave("default", overwrite=True)
    assert "The registry cannot be reached." in message
    assert f"where:     http://{nobody}/v2/{project.app}/manifests/" in message
    untouched.check()


@pytest.mark.mistake
async def test_an_app_that_nobody_made_known_is_one_clear_error(sandbox: dict[str, str]) -> None:
    state = await run_release("nobody-knows-it")
    assert state.is_failed()
    assert "There is no Source Repository block 'nobody-knows-it'." in str(state.message)
    assert "remedy:    create it in the Prefect UI under Blocks" in str(state.message)
    await tell_of_run("an app that nobody made known", "nobody-knows-it", state)


@pytest.mark.mistake
async def test_an_environment_without_the_app_is_one_clear_error(
    project: Project, tmp_path: Path
) -> None:
    project.remove_from_ops()
    message = await _failure(project, None, "an environment that does not know the app")
    assert f"'staging' does not know '{project.app}'." in message
    assert f"expected:  staging/{project.app}/rollout.yaml" in message
    assert project.tags() == {}
    folder = project.code.clone(tmp_path / "beside" / project.app).working_dir
    ops = project.ops.clone(tmp_path / "beside" / "ops")
    (init,) = commands_in(message)
    for command in (init, f"shipway check ../ops/{project.folder}"):
        done = paste(command, {}, os.environ, Path(folder))
        assert done.returncode == 0, done.stderr
    project.change_ops(files_in(Path(ops.working_dir), project.folder))


async def commit_newer(project: Project) -> str:
    """Commit the tip's release, as another run does; return the run's address."""
    ops = await OpsRepository.aload("default")
    source = await SourceRepository.aload(project.app)
    newer, run = Release(revision=source.resolve(project.revision), image=image(2)), run_context(2)
    target = target_of(ops.fetch(AppEnvironment(app=project.app, environment="staging")))
    (step,) = target.plan(newer.image)
    commit_release(ops, source, target, step, newer, {}, run)
    return run.link


async def test_a_release_that_is_overtaken_while_it_builds_says_who_won(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = project.revision
    project.change({"notes.txt": "A change.\n"})
    monkeypatch.setattr(overtaken, "BUILDING_SECONDS", 0.2)
    begun = asyncio.Event()

    async def never_ends(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(module, "build_test_push", never_ends)
    running = asyncio.create_task(run_release(project.app, older))
    await begun.wait()
    won = await commit_newer(project)
    said = await said_of_run(project.app, await running)
    assert said.startswith("The environment already has a revision that this one does not contain.")
    assert f": {won}\n" in said
    assert project.tags() == {}


async def test_a_tag_never_moves(
    project: Project, engine: DockerClient, sandbox: dict[str, str]
) -> None:
    log = project.ops_log()
    name = f"{sandbox['SHIPWAY_REGISTRY']}/{project.app}"
    engine.images.get(sandbox["SHIPWAY_PYTHON_IMAGE"]).tag(name, project.revision)
    engine.images.push(name, tag=project.revision)
    taken = project.tags()
    message = await _failure(project, None)
    assert "The tag of this revision is taken by another image; a tag never moves." in message
    assert project.tags() == taken
    assert project.ops_log() == log


async def _failure(project: Project, revision: str | None, mistake: str | None = None) -> str:
    state: State[Any] = await run_release(project.app, revision)
    assert state.is_failed()
    if mistake:
        await tell_of_run(mistake, project.app, state)
    return str(state.message)
