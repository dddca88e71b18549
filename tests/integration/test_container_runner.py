"""Tests in containers, on the real engine."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest
from docker import DockerClient
from docker.models.containers import Container
from docker.models.networks import Network

from blocks.container_runner import ContainerRunner
from shipway.errors import FailError, RefuseError
from shipway.process_identity import this_process
from shipway.runners.containers import owners_of_leftovers, remove_container, remove_leftovers
from shipway.runners.environment import Sidecar
from shipway.runners.labels import OWNER_LABEL, RUN_LABEL
from shipway.test_tools.tool import Ended, Invocation
from tests.support.environments import spec_of

SERVER = ["python3", "-m", "http.server", "8000"]


@pytest.fixture
def run(engine: DockerClient) -> Iterator[str]:
    """A run of its own; nothing of it may be left on the engine."""
    name = str(uuid.uuid4())
    yield name
    left = {"label": f"{RUN_LABEL}={name}"}
    assert engine.containers.list(all=True, sparse=True, filters=left) == []
    assert engine.networks.list(filters=left) == []


async def execute(
    run: str,
    image: str,
    command: list[str],
    sidecars: Mapping[str, Sidecar] | None = None,
    ready_seconds: float = 20,
    files: Mapping[str, bytes] | None = None,
) -> tuple[Ended, str]:
    """How a command ended, and what it printed."""
    said: list[bytes] = []
    runner = ContainerRunner(ready_seconds=ready_seconds).open()
    async with runner.environment(spec_of(run=run, image=image, sidecars=sidecars)) as environment:
        invocation = Invocation(command=command, env={}, files=dict(files or {}))
        ended = await environment.run(invocation, said.append)
    return ended, b"".join(said).decode()


async def test_the_environment_of_the_image_is_known_before_a_command_runs(
    run: str, python_image: str
) -> None:
    spec = spec_of(run=run, image=python_image, env={"LANG": "de_DE", "NAME": "value"})
    async with ContainerRunner().open().environment(spec) as environment:
        assert environment.env["LANG"] == "de_DE"
        assert environment.env["NAME"] == "value"
        assert "/usr/bin" in environment.env["PATH"]


async def test_the_files_of_an_invocation_belong_to_whoever_runs_it(
    run: str, engine: DockerClient, python_image: str
) -> None:
    image = _image(engine, python_image, ["true"], user="10001")
    script = "id -u; cat /shipway/plan.json; echo mine > /shipway/results.xml; cat /shipway/r*"
    plan = {"plan.json": b"the plan\n"}
    ended, said = await execute(run, image, ["sh", "-c", script], files=plan)
    assert said.splitlines() == ["10001", "the plan", "mine"]
    assert ended.status == 0


@pytest.mark.parametrize(
    ("command", "results"),
    [("true", None), ("echo new > junit.xml", b"new\n"), ("cat junit.xml", None)],
)
async def test_a_results_file_of_the_image_is_no_result(
    run: str, engine: DockerClient, python_image: str, command: str, results: bytes | None
) -> None:
    image = _image(engine, python_image, ["true"])
    spec = spec_of(run=run, image=image)
    # A file that every image has stands for one that an earlier command left in it.
    path = "/etc/passwd" if results is None else "/tmp/junit.xml"
    words = ["sh", "-c", command.replace("junit.xml", path)]
    invocation = Invocation(command=words, env={}, results=path)
    async with ContainerRunner().open().environment(spec) as environment:
        ended = await environment.run(invocation, lambda _: None)
    assert (ended.status, ended.results) == (0, {} if results is None else {path: results})


async def test_all_that_a_run_starts_bears_its_name_and_its_owners(
    run: str, python_image: str, engine: DockerClient
) -> None:
    mark = {RUN_LABEL: run, OWNER_LABEL: this_process()}
    filters = {"label": f"{RUN_LABEL}={run}"}
    found: list[dict[str, str]] = []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def output(chunk: bytes) -> None:
        loop.call_soon_threadsafe(begun.set)

    # Services run their image's own command.
    web = Sidecar(image=_image(engine, python_image, SERVER), env={}, ready=["true"])
    invocation = Invocation(command=["sh", "-c", "echo begun; sleep 600"], env={})
    spec = spec_of(run=run, image=python_image, sidecars={"web": web})
    async with ContainerRunner().open().environment(spec) as environment:
        work = asyncio.create_task(environment.run(invocation, output))
        await begun.wait()
        found += [
            one.attrs["Labels"] for one in engine.containers.list(sparse=True, filters=filters)
        ]
        found += [one.attrs["Labels"] for one in engine.networks.list(filters=filters)]
        assert owners_of_leftovers(engine)[run] == {this_process()}
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
    assert [one | mark for one in found] == found
    assert len(found) == 3


async def test_a_service_is_reachable_by_its_name_once_it_is_ready(
    run: str, python_image: str, engine: DockerClient
) -> None:
    image = _image(engine, python_image, SERVER)
    fetch = "import urllib.request as r; print(r.urlopen('http://web:8000/').status)"
    probe = "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/')"
    web = Sidecar(image=image, env={}, ready=["python3", "-c", probe])
    ended, said = await execute(run, python_image, ["python3", "-c", fetch], {"web": web})
    assert (ended.status, said) == (0, "200\n")


async def test_a_service_that_ends_fails_with_its_last_words(
    run: str, python_image: str, engine: DockerClient
) -> None:
    broken = _image(engine, python_image, ["sh", "-c", "echo no disk; exit 1"])
    with pytest.raises(FailError) as caught:
        await execute(
            run, python_image, ["true"], {"db": Sidecar(image=broken, env={}, ready=["false"])}
        )
    assert caught.value.what == "The service 'db' does not get ready."
    assert "no disk" in str(caught.value.facts["got"])


async def test_a_service_that_is_never_ready_fails(
    run: str, python_image: str, engine: DockerClient
) -> None:
    web = Sidecar(image=_image(engine, python_image, SERVER), env={}, ready=["false"])
    with pytest.raises(FailError) as caught:
        await execute(run, python_image, ["true"], {"web": web}, ready_seconds=2)
    assert caught.value.what == "The service 'web' does not get ready."
    assert str(caught.value.facts["got"]).startswith("running")


async def test_a_service_whose_image_is_not_there_is_refused(
    run: str, python_image: str, sandbox: dict[str, str]
) -> None:
    image = f"{sandbox['SHIPWAY_REGISTRY']}/no-such-image:1"
    with pytest.raises(RefuseError) as caught:
        await execute(run, python_image, ["true"], {"db": Sidecar(image=image, env={}, ready=None)})
    assert caught.value.what == "An image of the tests cannot be pulled."
    assert caught.value.facts["where"] == image


async def test_services_started_ahead_of_the_time_are_taken_over(
    run: str, python_image: str, engine: DockerClient
) -> None:
    web = Sidecar(image=_image(engine, python_image, SERVER), env={}, ready=["true"])
    runner, spec = ContainerRunner().open(), spec_of(run=run, sidecars={"web": web})
    await runner.prepare(spec)
    (before,) = engine.containers.list(filters={"label": f"{RUN_LABEL}={run}"})
    async with runner.environment(spec.model_copy(update={"image": python_image})):
        (found,) = engine.containers.list(filters={"label": f"{RUN_LABEL}={run}"})
        assert found.id == before.id


def test_leftovers_of_a_killed_worker_are_found_and_removed(
    run: str, python_image: str, engine: DockerClient
) -> None:
    labels = {RUN_LABEL: run}
    network = engine.networks.create(f"test-{run[:8]}", labels=labels)
    engine.containers.run(
        python_image, ["sleep", "600"], detach=True, labels=labels, network=network.name
    )
    engine.containers.create(python_image, ["true"], labels=labels)
    assert owners_of_leftovers(engine)[run] == {""}
    assert remove_leftovers(engine, run) == 2
    assert remove_leftovers(engine, run) == 0
    assert run not in owners_of_leftovers(engine)


def test_a_container_that_another_run_removes_meanwhile_is_in_nobodys_way(
    run: str, python_image: str, engine: DockerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    container = engine.containers.create(python_image, ["true"], labels={RUN_LABEL: run})
    listed = engine.api.containers

    def removed_once_listed(*args: object, **options: object) -> object:
        found = listed(*args, **options)
        container.remove()
        return found

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(engine.api, "containers", removed_once_listed)
        assert run in owners_of_leftovers(engine)
    assert run not in owners_of_leftovers(engine)


@pytest.mark.parametrize("by_name", [True, False])
def test_a_container_that_starts_while_its_network_is_removed_goes_with_it(
    run: str,
    python_image: str,
    engine: DockerClient,
    monkeypatch: pytest.MonkeyPatch,
    *,
    by_name: bool,
) -> None:
    network = engine.networks.create(f"test-{run[:8]}", labels={RUN_LABEL: run})
    listed = engine.api.containers
    started: list[Container] = []

    def started_once_listed(*args: object, **options: object) -> object:
        found = listed(*args, **options)
        if not started:
            started.append(_sleep_on(network, engine, python_image))
        return found

    monkeypatch.setattr(engine.api, "containers", started_once_listed)
    assert remove_leftovers(engine, run, network if by_name else None) == 1
    assert engine.networks.list(names=[str(network.name)]) == []


def test_a_network_whose_containers_another_run_is_removing_is_removed(
    run: str, python_image: str, engine: DockerClient
) -> None:
    network = engine.networks.create(f"test-{run[:8]}", labels={RUN_LABEL: run})
    others = _sleep_on(network, engine, python_image)
    with ThreadPoolExecutor() as pool:
        removals = [pool.submit(remove_container, others) for _ in range(4)]
        assert remove_leftovers(engine, run) <= 1
        assert [removal.result() for removal in removals] == [None] * 4
    assert engine.networks.list(names=[str(network.name)]) == []


def _sleep_on(network: Network, engine: DockerClient, image: str) -> Container:
    command = ["sleep", "600"]
    return engine.containers.run(image, command, detach=True, network=str(network.name))


def _image(engine: DockerClient, base: str, command: list[str], user: str = "") -> str:
    """An image whose own command is `command`: services run theirs."""
    container = engine.containers.create(base, command, user=user)
    image = container.commit()
    container.remove()
    return str(image.id)
