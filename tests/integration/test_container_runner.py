"""Tests in containers, on the real engine."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from docker import DockerClient

from blocks.container_runner import RUN_LABEL, ContainerRunner, Ended, Sidecar, remove_leftovers
from blocks.errors import Fail, Refuse

RESULTS = "/tmp/results.xml"
SERVER = ["python3", "-m", "http.server", "8000"]


@pytest.fixture
def run(engine: DockerClient) -> Any:
    """A run of its own; nothing of it may be left on the engine."""
    name = str(uuid.uuid4())
    yield name
    left = {"label": f"{RUN_LABEL}={name}"}
    assert engine.containers.list(all=True, filters=left) == []
    assert engine.networks.list(filters=left) == []


async def execute(
    run: str,
    image: str,
    command: list[str],
    sidecars: dict[str, Sidecar] | None = None,
    log: Callable[[str], None] = lambda line: None,
    budget: float = 60,
    ready_seconds: float = 20,
) -> Ended:
    runner = ContainerRunner(ready_seconds=ready_seconds)
    async with runner.network(run, f"test-{run[:8]}", sidecars or {}) as (client, network):
        return await runner.run(
            client, network, image, command, {"NAME": "value"}, RESULTS, log, run, budget
        )


async def test_a_command_is_followed_to_its_end_and_leaves_its_results(
    run: str, python_image: str
) -> None:
    lines: list[str] = []
    script = f"echo one; echo $NAME >&2; printf '<x/>' > {RESULTS}; exit 3"
    ended = await execute(run, python_image, ["sh", "-c", script], log=lines.append)
    assert sorted(lines) == ["one", "value"]
    assert sorted(ended.last_lines) == ["one", "value"]
    assert (ended.status, ended.results) == (3, b"<x/>")


async def test_commands_that_end_at_once_lose_no_output(run: str, python_image: str) -> None:
    runner = ContainerRunner()
    async with runner.network(run, f"test-{run[:8]}", {}) as (client, network):
        for number in range(15):
            command = ["echo", str(number)]
            ended = await runner.run(
                client, network, python_image, command, {}, RESULTS, lambda line: None, run, 30
            )
            assert ended == Ended(status=0, last_lines=(str(number),), results=None)


@pytest.mark.parametrize("command", [["no-such-program"], ["/etc/passwd"]])
async def test_a_command_that_cannot_start_is_refused(
    run: str, python_image: str, command: list[str]
) -> None:
    with pytest.raises(Refuse) as caught:
        await execute(run, python_image, command)
    assert caught.value.what == "The test command cannot start."
    assert caught.value.facts["where"] == command[0]
    assert command[0] in str(caught.value.facts["got"])


async def test_a_command_over_its_budget_is_killed(run: str, python_image: str) -> None:
    with pytest.raises(Fail) as caught:
        await execute(run, python_image, ["sh", "-c", "echo begun; sleep 600"], budget=3)
    assert caught.value.what == "The time budget is used up."
    assert caught.value.facts["got"] == "begun"


async def test_cancelling_kills_the_container(
    run: str, python_image: str, engine: DockerClient
) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def log(line: str) -> None:
        loop.call_soon_threadsafe(begun.set)

    command = ["sh", "-c", "echo begun; sleep 600"]
    work = asyncio.create_task(execute(run, python_image, command, log=log))
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert engine.containers.list(all=True, filters={"label": f"{RUN_LABEL}={run}"}) == []


async def test_a_service_is_reachable_by_its_name_once_it_is_ready(
    run: str, python_image: str, engine: DockerClient
) -> None:
    image = _server_image(engine, python_image)
    fetch = "import urllib.request as r; print(r.urlopen('http://web:8000/').status)"
    probe = "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/')"
    web = Sidecar(image=image, env={}, ready=["python3", "-c", probe])
    ended = await execute(run, python_image, ["python3", "-c", fetch], {"web": web})
    assert (ended.status, ended.last_lines) == (0, ("200",))


async def test_a_service_that_ends_fails_with_its_last_words(
    run: str, python_image: str, engine: DockerClient
) -> None:
    broken = _image(engine, python_image, ["sh", "-c", "echo no disk; exit 1"])
    with pytest.raises(Fail) as caught:
        await execute(
            run, python_image, ["true"], {"db": Sidecar(image=broken, env={}, ready=["false"])}
        )
    assert caught.value.what == "The service 'db' does not get ready."
    assert "no disk" in str(caught.value.facts["got"])


async def test_a_service_that_is_never_ready_fails_in_time(
    run: str, python_image: str, engine: DockerClient
) -> None:
    image = _server_image(engine, python_image)
    begin = time.monotonic()
    with pytest.raises(Fail, match="The service 'web' does not get ready"):
        await execute(
            run,
            python_image,
            ["true"],
            {"web": Sidecar(image=image, env={}, ready=["false"])},
            ready_seconds=2,
        )
    assert time.monotonic() - begin > 2


async def test_a_service_whose_image_is_not_there_is_refused(
    run: str, python_image: str, sandbox: dict[str, str]
) -> None:
    image = f"{sandbox['SHIPWAY_REGISTRY']}/no-such-image:1"
    with pytest.raises(Refuse) as caught:
        await execute(run, python_image, ["true"], {"db": Sidecar(image=image, env={}, ready=None)})
    assert caught.value.what == "The image of the service 'db' cannot be pulled."
    assert caught.value.facts["where"] == image


def test_leftovers_of_a_killed_worker_are_found_and_removed(
    run: str, python_image: str, engine: DockerClient
) -> None:
    labels = {RUN_LABEL: run}
    network = engine.networks.create(f"test-{run[:8]}", labels=labels)
    engine.containers.run(
        python_image, ["sleep", "600"], detach=True, labels=labels, network=network.name
    )
    engine.containers.create(python_image, ["true"], labels=labels)
    assert remove_leftovers(engine, run) == 2
    assert remove_leftovers(engine, run) == 0


def _server_image(engine: DockerClient, base: str) -> str:
    return _image(engine, base, SERVER)


def _image(engine: DockerClient, base: str, command: list[str]) -> str:
    """An image whose own command is `command`: services run theirs."""
    container = engine.containers.create(base, command)
    image = container.commit()
    container.remove()
    return str(image.id)


async def test_services_started_ahead_of_the_time_are_taken_over(
    run: str, python_image: str, engine: DockerClient
) -> None:
    web = Sidecar(image=_server_image(engine, python_image), env={}, ready=["true"])
    runner, name = ContainerRunner(), f"test-{run[:8]}"
    await runner.start(run, name, {"web": web})
    (before,) = engine.containers.list(filters={"label": f"{RUN_LABEL}={run}"})
    async with runner.network(run, name, {"web": web}):
        (found,) = engine.containers.list(filters={"label": f"{RUN_LABEL}={run}"})
        assert found.id == before.id
