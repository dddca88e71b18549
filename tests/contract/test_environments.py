"""What a shard needs of its environment and of its runner, asked of every runner alike."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blocks.container_runner import ContainerRunner
from shipway.errors import FailError, RefuseError
from shipway.image_ref import ImageRef
from shipway.process_identity import this_process
from shipway.registry import Registry
from shipway.runners.environment import EnvironmentSpec
from shipway.runners.registry import RUNNERS
from shipway.runners.runner import Runner
from shipway.test_tools.tool import Ended, Invocation
from tests.support.builders import engine_builder
from tests.support.environments import process_environment, spec_of
from tests.support.pods import pod_runner
from tests.support.processes import processes_with

if TYPE_CHECKING:
    # pytest takes a class of this name for a test.
    from shipway.runners.environment import TestEnvironment

ENV = {"NAME": "the layer's", "OTHER": "the layer's"}


@asynccontextmanager
async def container(request: pytest.FixtureRequest) -> AsyncGenerator[Runner]:
    request.getfixturevalue("sandbox")
    yield ContainerRunner().open()


@asynccontextmanager
async def process(request: pytest.FixtureRequest) -> AsyncGenerator[Runner]:
    yield RUNNERS["process"]()


@asynccontextmanager
async def pod(request: pytest.FixtureRequest) -> AsyncGenerator[Runner]:
    request.getfixturevalue("cluster_is_up")
    sandbox: dict[str, str] = request.getfixturevalue("sandbox")
    async with pod_runner(sandbox["KUBECONFIG"]) as block:
        yield block.open()


OPEN = {"container": container, "process": process, "pod": pod}


@pytest.fixture(params=list(RUNNERS))
async def runner(request: pytest.FixtureRequest) -> AsyncIterator[Runner]:
    async with OPEN[request.param](request) as opened:
        yield opened


@pytest.fixture
async def spec(runner: Runner, request: pytest.FixtureRequest, tmp_path: Path) -> EnvironmentSpec:
    """An environment of the sandbox's Python image, from where the runner takes images."""
    if runner.images == "none":
        return spec_of(code=tmp_path, env=ENV)
    sandbox: dict[str, str] = request.getfixturevalue("sandbox")
    image = sandbox["SHIPWAY_PYTHON_IMAGE"]
    if runner.images == "engine":
        return spec_of(code=tmp_path, image=image, env=ENV)
    registry = Registry(address=sandbox["SHIPWAY_REGISTRY"], insecure=True)
    stored = await registry.find(ImageRef.parse(image))
    assert stored is not None
    brought = await engine_builder().image_env(image)
    return spec_of(code=tmp_path, image=str(stored.ref.pinned()), env={**brought, **ENV})


@pytest.fixture
async def environment(runner: Runner, spec: EnvironmentSpec) -> AsyncIterator[TestEnvironment]:
    async with runner.environment(spec) as opened:
        yield opened
    assert spec.run not in await runner.owners()


async def run(
    environment: TestEnvironment,
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
    ended = await environment.run(invocation, said.append)
    return ended, b"".join(said)


@pytest.mark.parametrize("status", [3, 255])
async def test_the_exit_status_is_the_commands(environment: TestEnvironment, status: int) -> None:
    ended, _ = await run(environment, f"exit {status}")
    assert ended == Ended(status=status)


async def test_a_command_that_is_killed_has_the_status_that_a_shell_gives_it(
    environment: TestEnvironment,
) -> None:
    # The program itself is killed, not a shell around it.
    ended, _ = await run(environment, "exec python3 -c 'import os; os.kill(os.getpid(), 15)'")
    assert ended.status == 128 + 15


async def test_both_streams_are_told(environment: TestEnvironment) -> None:
    _, said = await run(environment, "echo out; echo err >&2")
    assert sorted(said.splitlines()) == [b"err", b"out"]


async def test_output_is_told_as_it_comes(environment: TestEnvironment) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def output(chunk: bytes) -> None:
        loop.call_soon_threadsafe(begun.set)

    command = ["sh", "-c", "echo begun; while [ ! -e go ]; do sleep 0.1; done"]
    work = asyncio.create_task(environment.run(Invocation(command=command, env={}), output))
    await begun.wait()
    assert not work.done()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_bytes_that_are_no_text_arrive_as_they_are(environment: TestEnvironment) -> None:
    _, said = await run(environment, r"printf '\000\377\036\r\000\n'")
    assert said == b"\x00\xff\x1e\r\x00\n"


async def test_many_small_outputs_are_complete_and_their_lines_whole(
    environment: TestEnvironment,
) -> None:
    script = 'import os\nfor n in range(20000): os.write(1 + n % 2, f"{n}\\n".encode())'
    _, said = await run(environment, f"exec python3 -c '{script}'")
    assert sorted(map(int, said.split())) == list(range(20000))


async def test_commands_that_end_at_once_lose_no_output(environment: TestEnvironment) -> None:
    for number in range(5):
        assert await run(environment, f"echo {number}") == (Ended(status=0), f"{number}\n".encode())


async def test_the_file_that_a_command_leaves_is_fetched(environment: TestEnvironment) -> None:
    path = f"{environment.folder}/results.xml"
    ended, _ = await run(environment, f"printf '<x/>' > {path}; exit 1", results=path)
    assert ended == Ended(status=1, results={path: b"<x/>"})


async def test_the_file_is_fetched_to_the_byte(environment: TestEnvironment) -> None:
    path = f"{environment.folder}/results.xml"
    ended, _ = await run(environment, rf"printf 'a\r\n\036\000\377' > {path}", results=path)
    assert ended.results == {path: b"a\r\n\x1e\x00\xff"}


async def test_a_file_that_is_not_there_or_a_folder_is_no_results(
    environment: TestEnvironment,
) -> None:
    for path in (f"{environment.folder}/none.xml", "/no/such/folder/none.xml", environment.folder):
        ended, _ = await run(environment, "true", results=path)
        assert ended == Ended(status=0)


async def test_a_large_file_is_fetched_whole(environment: TestEnvironment) -> None:
    path = f"{environment.folder}/results.xml"
    ended, _ = await run(environment, f"head -c 5000000 /dev/zero > {path}", results=path)
    assert ended.results == {path: bytes(5_000_000)}


@pytest.mark.parametrize(
    ("glob", "matched"),
    [
        ("shipway-out/TEST-*.xml", ["TEST-1.xml", "TEST- 2.xml"]),
        ("shipway-out/**/TEST-*.xml", ["TEST-1.xml", "TEST- 2.xml", "a/b/TEST-3.xml"]),
        ("shipway-out/*/b/*", ["a/b/TEST-3.xml", "a/b/other"]),
        ("shipway-out/TEST-1.xml", ["TEST-1.xml"]),
        ("shipway-out/none-*.xml", []),
        ("shipway-out/a", []),
    ],
)
async def test_every_file_that_a_glob_matches_is_fetched(
    environment: TestEnvironment, glob: str, matched: list[str]
) -> None:
    script = """mkdir -p shipway-out/a/b && cd shipway-out && printf 1 >TEST-1.xml &&
    printf '' >'TEST- 2.xml' && printf 3 >a/b/TEST-3.xml && printf o >a/b/other && printf said"""
    ended, said = await run(environment, script, results=glob)
    content = {"TEST-1.xml": b"1", "TEST- 2.xml": b"", "a/b/TEST-3.xml": b"3", "a/b/other": b"o"}
    assert ended.results == {f"shipway-out/{name}": content[name] for name in matched}
    assert (ended.status, said) == (0, b"said")


@pytest.mark.parametrize("script", ["true", "cat {0}/old.xml", "exit 1", "echo new >{0}/new.xml"])
async def test_a_file_that_was_there_before_is_no_results(
    environment: TestEnvironment, script: str
) -> None:
    folder = environment.folder
    ended, _ = await run(
        environment,
        script.format(folder),
        files={"old.xml": b"old\n"},
        results=f"{folder}/*.xml",
    )
    new = {f"{folder}/new.xml": b"new\n"} if "new" in script else {}
    assert ended.results == new


@pytest.mark.parametrize(
    "link",
    [
        "ln -s /etc/passwd shipway-out/a.xml",
        "echo a >a.xml; ln -s ../a.xml shipway-out/a.xml",
        "mkdir a; echo a >a/a.xml; ln -s ../a shipway-out/a",
    ],
    ids=["a file outside", "a file", "a folder"],
)
async def test_links_are_no_results(environment: TestEnvironment, link: str) -> None:
    ended, _ = await run(environment, f"mkdir shipway-out; {link}", results="shipway-out/**/*.xml")
    assert ended == Ended(status=0)


@pytest.mark.parametrize(("limit", "most"), [("MOST_FILES", 2), ("MOST_BYTES", 5)])
async def test_too_many_or_too_large_files_are_red(
    environment: TestEnvironment, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    monkeypatch.setattr(f"shipway.runners.results.{limit}", most)
    folder = environment.folder
    script = f"for name in a b c; do echo $name >{folder}/$name.xml; done"
    with pytest.raises(FailError, match=r"6 bytes in 3 files"):
        await run(environment, script, results=f"{folder}/*.xml")


async def test_results_and_what_is_printed_beside_them_stay_apart(
    environment: TestEnvironment,
) -> None:
    path = f"{environment.folder}/results.xml"
    # Standard error comes in its own time: it may be told while the results are.
    script = f"""head -c 300000 /dev/urandom >{path}; cksum <{path}
    python3 -c 'import sys\nfor n in range(5000): print(n, file=sys.stderr)'; printf last"""
    ended, said = await run(environment, script, results=path)
    first, *numbers = sorted(said.replace(b"last", b"").splitlines(), key=len, reverse=True)
    (content,) = ended.results.values()
    assert len(content) == 300_000
    assert first.split()[1] == b"300000"
    assert sorted(map(int, numbers)) == list(range(5000))


async def test_the_environment_is_the_layers_and_what_the_invocation_adds(
    environment: TestEnvironment,
) -> None:
    assert environment.env["NAME"] == "the layer's"
    _, said = await run(environment, "echo $NAME, $OTHER, $PATH", {"OTHER": "the invocation's"})
    assert said.decode() == f"the layer's, the invocation's, {environment.env['PATH']}\n"


async def test_what_shipway_itself_was_given_is_not_passed_on(
    environment: TestEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPWAY_GIT_PASSWORD", "secret")
    _, said = await run(environment, "env")
    assert b"SHIPWAY" not in said
    assert b"secret" not in said


async def test_the_files_of_an_invocation_lie_in_its_folder(environment: TestEnvironment) -> None:
    files = {"one.py": b"import two", "two.py": b"print('both')", "none": b""}
    script = (
        f"cd {environment.folder} && python3 one.py && cat none && echo written > new && cat new"
    )
    ended, said = await run(environment, script, files=files)
    assert (ended.status, said) == (0, b"both\nwritten\n")


async def test_nobody_answers_on_standard_input(environment: TestEnvironment) -> None:
    ended, said = await run(environment, "cat; echo over")
    assert (ended.status, said) == (0, b"over\n")


@pytest.mark.parametrize("program", ["no-such-program", "/etc/passwd"])
async def test_a_command_that_cannot_start_is_refused(
    environment: TestEnvironment, program: str
) -> None:
    with pytest.raises(RefuseError) as caught:
        await environment.run(Invocation(command=[program, "--flag"], env={}), lambda chunk: None)
    assert caught.value.what == "The test command cannot start."
    assert caught.value.facts["where"] == f"{program} --flag"
    assert program in str(caught.value.facts["got"])


async def test_an_environment_takes_one_command_after_another(environment: TestEnvironment) -> None:
    for number in range(3):
        files = {"number": str(number).encode()}
        assert (await run(environment, f"cat {environment.folder}/number", files=files))[
            1
        ] == files["number"]


@pytest.mark.parametrize(
    "start",
    ["exec sleep", "sleep", "trap '' TERM INT HUP; sleep", "setsid -f sleep", "setsid sh -c"],
    ids=["itself", "a child", "one that ignores signals", "a daemon", "a shell in a session"],
)
async def test_cancelling_leaves_nothing(environment: TestEnvironment, start: str) -> None:
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
    work = asyncio.create_task(environment.run(invocation, output))
    await begun.wait()
    while not any(b"sleep\x00" in line for line in processes_with(mark).values()):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert processes_with(mark) == {}


@pytest.mark.parametrize("streams", ["", "> /dev/null 2>&1"], ids=["that prints", "that is mute"])
async def test_a_daemon_that_a_command_leaves_ends_with_it(
    environment: TestEnvironment, streams: str
) -> None:
    mark = f"MARK={uuid.uuid4().hex}"
    env = {"MARK": mark.partition("=")[2]}
    # Two forks, and a session of its own in between.
    daemon = "import os, time\nif not os.fork():\n os.setsid()\n if not os.fork(): time.sleep(600)"
    script = f"python3 -c '{daemon}' {streams}; echo over"
    ended, said = await run(environment, script, env)
    assert (ended.status, said) == (0, b"over\n")
    assert processes_with(mark) == {}


async def test_the_folder_of_a_process_environment_is_gone_afterwards(tmp_path: Path) -> None:
    async with process_environment(tmp_path, ENV) as environment:
        await run(
            environment, f"mkdir {environment.folder}/more; chmod 500 {environment.folder}/more"
        )
        folder = environment.folder
    assert not os.path.lexists(folder)  # noqa: ASYNC240


def test_every_runner_is_asked_here() -> None:
    assert set(OPEN) == set(RUNNERS)


async def test_a_runner_says_how_many_shards_may_run_at_once(runner: Runner) -> None:
    assert await runner.slots() >= 1


async def test_of_a_run_that_started_nothing_there_is_nothing_to_remove(runner: Runner) -> None:
    run = str(uuid.uuid4())
    assert run not in await runner.owners()
    assert await runner.remove(run) == 0


async def test_what_runs_can_be_found_and_removed_by_its_run(
    runner: Runner, spec: EnvironmentSpec
) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def output(chunk: bytes) -> None:
        loop.call_soon_threadsafe(begun.set)

    invocation = Invocation(command=["sh", "-c", "echo begun; sleep 600"], env={})
    async with runner.environment(spec) as environment:
        work = asyncio.create_task(environment.run(invocation, output))
        await begun.wait()
        if runner.images == "none":
            # A process ends with whoever asked for it: nobody else has anything to remove.
            assert await runner.owners() == {}
            work.cancel()
        else:
            assert (await runner.owners())[spec.run] == {this_process()}
            assert await runner.remove(spec.run) == 1
        await asyncio.gather(work, return_exceptions=True)
        assert spec.run not in await runner.owners()
