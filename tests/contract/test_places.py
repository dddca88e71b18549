"""What a shard needs of the place that its commands run in, asked of every kind alike."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from blocks.container_runner import ContainerRunner
from blocks.pod_runner import PodRunner
from shipway.errors import RefuseError
from shipway.image_ref import ImageRef
from shipway.registry import Registry
from shipway.runners.containers import RUN_LABEL
from shipway.runners.environment import TestEnvironment
from shipway.runners.process import process_environment
from shipway.test_tools.tool import Ended, Invocation
from tests.support.pods import pod_runner
from tests.support.processes import those_with

ENV = {"NAME": "the layer's", "OTHER": "the layer's"}


@pytest.fixture(params=["container", "process", "pod"])
async def place(
    request: pytest.FixtureRequest, sandbox: dict[str, str], tmp_path: Path
) -> AsyncIterator[TestEnvironment]:
    if request.param == "process":
        async with process_environment(tmp_path, ENV) as found:
            yield found
        return
    if request.param == "pod":
        request.getfixturevalue("cluster_is_up")
        async with pod_runner(sandbox["KUBECONFIG"]) as pods, in_a_pod(pods, sandbox) as found:
            yield found
        return
    run = str(uuid.uuid4())
    runner, image = ContainerRunner(), sandbox["SHIPWAY_PYTHON_IMAGE"]
    async with runner.place(run, f"test-{run[:8]}", image, ENV, {}) as found:
        yield found
    async with runner.client() as client:
        left = {"label": f"{RUN_LABEL}={run}"}
        assert client.containers.list(all=True, filters=left) == []


@asynccontextmanager
async def in_a_pod(pods: PodRunner, sandbox: dict[str, str]) -> AsyncGenerator[TestEnvironment]:
    run, local = str(uuid.uuid4()), ImageRef.parse(sandbox["SHIPWAY_PYTHON_IMAGE"])
    stored = await Registry(address=sandbox["SHIPWAY_REGISTRY"], insecure=True).find(local)
    assert stored is not None
    env = {**await ContainerRunner().environment(str(local)), **ENV}
    image = str(stored.ref.pinned())
    async with pods.place(run, f"test-{run[:8]}", image, env, {}, 300) as found:
        yield found
    assert run not in await pods.owners()


async def run(
    place: TestEnvironment,
    script: str,
    env: Mapping[str, str] | None = None,
    files: Mapping[str, bytes] | None = None,
    results: str | None = None,
) -> tuple[Ended, bytes]:
    """How a shell script ended, and what it printed."""
    said: list[bytes] = []
    invocation = Invocation(
        command=["sh", "-c", script], env=dict(env or {}), files=dict(files or {}), results=results
    )
    ended = await place.run(invocation, said.append)
    return ended, b"".join(said)


@pytest.mark.parametrize("status", [3, 255])
async def test_the_exit_status_is_the_commands(place: TestEnvironment, status: int) -> None:
    ended, _ = await run(place, f"exit {status}")
    assert ended == Ended(status=status)


async def test_a_command_that_is_killed_has_the_status_that_a_shell_gives_it(
    place: TestEnvironment,
) -> None:
    # The program itself is killed, not a shell around it.
    ended, _ = await run(place, "exec python3 -c 'import os; os.kill(os.getpid(), 15)'")
    assert ended.status == 128 + 15


async def test_both_streams_are_told(place: TestEnvironment) -> None:
    _, said = await run(place, "echo out; echo err >&2")
    assert sorted(said.splitlines()) == [b"err", b"out"]


async def test_output_is_told_as_it_comes(place: TestEnvironment) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def output(chunk: bytes) -> None:
        loop.call_soon_threadsafe(begun.set)

    command = ["sh", "-c", "echo begun; while [ ! -e go ]; do sleep 0.1; done"]
    work = asyncio.create_task(place.run(Invocation(command=command, env={}), output))
    await begun.wait()
    assert not work.done()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_bytes_that_are_no_text_arrive_as_they_are(place: TestEnvironment) -> None:
    _, said = await run(place, r"printf '\000\377\036\r\000\n'")
    assert said == b"\x00\xff\x1e\r\x00\n"


async def test_many_small_outputs_are_complete_and_their_lines_whole(
    place: TestEnvironment,
) -> None:
    script = 'import os\nfor n in range(20000): os.write(1 + n % 2, f"{n}\\n".encode())'
    _, said = await run(place, f"exec python3 -c '{script}'")
    assert sorted(map(int, said.split())) == list(range(20000))


async def test_commands_that_end_at_once_lose_no_output(place: TestEnvironment) -> None:
    for number in range(5):
        assert await run(place, f"echo {number}") == (Ended(status=0), f"{number}\n".encode())


async def test_the_file_that_a_command_leaves_is_fetched(place: TestEnvironment) -> None:
    path = f"{place.folder}/results.xml"
    ended, _ = await run(place, f"printf '<x/>' > {path}; exit 1", results=path)
    assert ended == Ended(status=1, results=b"<x/>")


async def test_the_file_is_fetched_to_the_byte(place: TestEnvironment) -> None:
    path = f"{place.folder}/results.xml"
    ended, _ = await run(place, rf"printf 'a\r\n\036\000\377' > {path}", results=path)
    assert ended.results == b"a\r\n\x1e\x00\xff"


async def test_a_file_that_is_not_there_or_a_folder_is_no_results(place: TestEnvironment) -> None:
    for path in (f"{place.folder}/none.xml", "/no/such/folder/none.xml", place.folder):
        ended, _ = await run(place, "true", results=path)
        assert ended == Ended(status=0)


async def test_a_large_file_is_fetched_whole(place: TestEnvironment) -> None:
    path = f"{place.folder}/results.xml"
    ended, _ = await run(place, f"head -c 5000000 /dev/zero > {path}", results=path)
    assert ended.results == bytes(5_000_000)


async def test_the_environment_is_the_layers_and_what_the_invocation_adds(
    place: TestEnvironment,
) -> None:
    assert place.env["NAME"] == "the layer's"
    _, said = await run(place, "echo $NAME, $OTHER, $PATH", {"OTHER": "the invocation's"})
    assert said.decode() == f"the layer's, the invocation's, {place.env['PATH']}\n"


async def test_what_shipway_itself_was_given_is_not_passed_on(
    place: TestEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWAY_GIT_PASSWORD", "secret")
    _, said = await run(place, "env")
    assert b"SHIPWAY" not in said
    assert b"secret" not in said


async def test_the_files_of_an_invocation_lie_in_the_places_folder(place: TestEnvironment) -> None:
    files = {"one.py": b"import two", "two.py": b"print('both')", "none": b""}
    script = f"cd {place.folder} && python3 one.py && cat none && echo written > new && cat new"
    ended, said = await run(place, script, files=files)
    assert (ended.status, said) == (0, b"both\nwritten\n")


async def test_nobody_answers_on_standard_input(place: TestEnvironment) -> None:
    ended, said = await run(place, "cat; echo over")
    assert (ended.status, said) == (0, b"over\n")


@pytest.mark.parametrize("program", ["no-such-program", "/etc/passwd"])
async def test_a_command_that_cannot_start_is_refused(place: TestEnvironment, program: str) -> None:
    with pytest.raises(RefuseError) as caught:
        await place.run(Invocation(command=[program, "--flag"], env={}), lambda chunk: None)
    assert caught.value.what == "The test command cannot start."
    assert caught.value.facts["where"] == f"{program} --flag"
    assert program in str(caught.value.facts["got"])


async def test_a_place_takes_one_command_after_another(place: TestEnvironment) -> None:
    for number in range(3):
        files = {"number": str(number).encode()}
        assert (await run(place, f"cat {place.folder}/number", files=files))[1] == files["number"]


@pytest.mark.parametrize(
    "start",
    ["exec sleep", "sleep", "trap '' TERM INT HUP; sleep", "setsid -f sleep", "setsid sh -c"],
    ids=["itself", "a child", "one that ignores signals", "a daemon", "a shell in a session"],
)
async def test_cancelling_leaves_nothing(place: TestEnvironment, start: str) -> None:
    mark = f"MARK={uuid.uuid4().hex}"
    what = "'sleep 600; true'" if start.endswith("-c") else "600"
    background = "" if start.startswith("exec") else "&"
    script = f"echo begun; {start} {what} {background} {'wait; sleep 600' if background else ''}"
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def output(chunk: bytes) -> None:
        loop.call_soon_threadsafe(begun.set)

    env = {"MARK": mark.partition("=")[2]}
    invocation = Invocation(command=["sh", "-c", script], env=env)
    work = asyncio.create_task(place.run(invocation, output))
    await begun.wait()
    while not any(b"sleep\x00" in one for one in those_with(mark).values()):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert those_with(mark) == {}


@pytest.mark.parametrize("streams", ["", "> /dev/null 2>&1"], ids=["that prints", "that is mute"])
async def test_a_daemon_that_a_command_leaves_ends_with_it(
    place: TestEnvironment, streams: str
) -> None:
    mark = f"MARK={uuid.uuid4().hex}"
    env = {"MARK": mark.partition("=")[2]}
    # Two forks, and a session of its own in between.
    daemon = "import os, time\nif not os.fork():\n os.setsid()\n if not os.fork(): time.sleep(600)"
    script = f"python3 -c '{daemon}' {streams}; echo over"
    ended, said = await run(place, script, env)
    assert (ended.status, said) == (0, b"over\n")
    assert those_with(mark) == {}


async def test_the_folder_of_a_process_place_is_gone_afterwards(tmp_path: Path) -> None:
    async with process_environment(tmp_path, ENV) as place:
        await run(place, f"mkdir {place.folder}/more; chmod 500 {place.folder}/more")
        folder = place.folder
    assert not os.path.lexists(folder)  # noqa: ASYNC240
