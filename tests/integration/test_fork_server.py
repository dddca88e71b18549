"""What a forked process is, and what becomes of it, of its server and of its asker."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from deployments.warm.fork_server import Request
from deployments.warm.imports import Imports
from deployments.warm.parents import WarmParents
from deployments.warm.warm_parent import UNKNOWN_STATUS, ForkedRun
from tests.support.processes import is_alive

SCRIPT = """
    import json, os, sys, threading, time
    import warmed
    warmed.SEEN.append(1)
    with open(sys.argv[1], "w") as notes:
        json.dump({
            "argv": sys.argv[2:],
            "folder": os.getcwd(),
            "seen": len(warmed.SEEN),
            "version": warmed.VERSION,
            "server": warmed.PID,
            "leads_its_session": os.getsid(0) == os.getpid(),
            "threads": threading.active_count(),
            "environment": dict(os.environ),
            "open": len(os.listdir("/proc/self/fd")),
        }, notes)
    time.sleep(float(os.environ.get("SECONDS", "0")))
    sys.exit(int(os.environ.get("STATUS", "0")))
"""


@pytest.fixture(autouse=True)
def nothing_of_prefect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forking has nothing to do with it, and it takes its time; the worker's tests have it."""
    monkeypatch.setattr("deployments.warm.parents.ENGINE", ())


@pytest.fixture
async def parents() -> AsyncIterator[WarmParents]:
    made = WarmParents()
    yield made
    made.close()


@pytest.fixture
def imports(tmp_path: Path) -> Imports:
    """A package of its own, so that it can be changed."""
    package = tmp_path / "code" / "warmed"
    package.mkdir(parents=True)
    write_package(package, 1)
    (tmp_path / "script.py").write_text(dedent(SCRIPT))
    return Imports(folder=package.parent, package="warmed")


def make_folder(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def write_package(package: Path, version: int) -> None:
    (package / "__init__.py").write_text(
        f"import os\nVERSION, PID, SEEN = {version}, os.getpid(), []\n"
    )


@dataclass
class Forked:
    """A process, and where it leaves its notes."""

    process: ForkedRun | asyncio.subprocess.Process
    notes: Path

    async def told(self) -> dict[str, Any]:
        async with asyncio.timeout(30):
            while not self.notes.exists() or not self.notes.read_text().endswith("}"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return json.loads(self.notes.read_text())


async def start(
    parents: WarmParents, imports: Imports, *words: str, show_output: bool = True, **env: str
) -> Forked:
    folder = imports.folder.parent
    notes = folder / uuid.uuid4().hex
    request = Request(
        argv=[str(folder / "script.py"), str(notes), *words],
        folder=str(folder),
        environment={"PATH": os.environ["PATH"], **env},
    )
    return Forked(await parents.start(imports, request, show_output=show_output), notes)


async def test_a_forked_process_is_what_was_asked_for(
    parents: WarmParents, imports: Imports
) -> None:
    run = await start(parents, imports, "one", "two", STATUS="3", GIVEN="this")
    told = await run.told()
    assert told["argv"] == ["one", "two"]
    assert told["folder"] == str(imports.folder.parent)
    assert {**told["environment"], "STATUS": "3", "GIVEN": "this"} == told["environment"]
    assert "HOME" not in told["environment"]
    assert told["leads_its_session"]
    assert told["threads"] == 1
    assert told["server"] != run.process.pid
    assert await run.process.wait() == 3
    assert run.process.returncode == 3


async def test_nothing_of_one_run_is_in_the_next(parents: WarmParents, imports: Imports) -> None:
    first = await start(parents, imports, SECRET="of the first")
    await first.process.wait()
    second = await start(parents, imports)
    told = await second.told()
    assert told["seen"] == 1
    assert "SECRET" not in told["environment"]
    assert told["server"] == (await first.told())["server"]
    await second.process.wait()


async def test_runs_hold_nothing_of_each_other(parents: WarmParents, imports: Imports) -> None:
    alone = await start(parents, imports, SECONDS="1")
    beside = [await start(parents, imports, SECONDS="1") for _ in range(5)]
    opened = [(await run.told())["open"] for run in (alone, *beside)]
    assert len(set(opened)) == 1
    assert [await run.process.wait() for run in (alone, *beside)] == [0] * 6


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_signal_ends_a_run_and_is_its_exit_status(
    parents: WarmParents, imports: Imports, number: int
) -> None:
    run = await start(parents, imports, SECONDS="60")
    await run.told()
    os.kill(run.process.pid, number)
    assert await run.process.wait() == -number


async def test_runs_outlive_a_server_that_is_killed(parents: WarmParents, imports: Imports) -> None:
    run = await start(parents, imports, SECONDS="2")
    server = (await run.told())["server"]
    os.kill(server, signal.SIGKILL)
    # How it ended nobody can know, but that it did.
    assert await run.process.wait() == UNKNOWN_STATUS
    assert not is_alive(run.process.pid)
    following = await start(parents, imports)
    assert (await following.told())["server"] != server
    assert await following.process.wait() == 0


async def test_a_server_ends_after_its_last_run_once_the_worker_is_gone(imports: Imports) -> None:
    parents = WarmParents()
    run = await start(parents, imports, SECONDS="1")
    server = (await run.told())["server"]
    parents.close()
    assert await run.process.wait() == 0
    async with asyncio.timeout(10):
        while is_alive(server):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_new_code_is_imported_anew(parents: WarmParents, imports: Imports) -> None:
    old = await start(parents, imports, SECONDS="60")
    assert (await old.told())["version"] == 1
    write_package(imports.folder / "warmed", 2)
    new = await start(parents, imports)
    assert (await new.told())["version"] == 2
    assert await new.process.wait() == 0
    os.kill(old.process.pid, signal.SIGTERM)
    assert await old.process.wait() == -signal.SIGTERM


async def test_a_file_put_in_its_place_with_an_old_date_is_new_code(
    parents: WarmParents, imports: Imports
) -> None:
    module = imports.folder / "warmed" / "__init__.py"
    await (await start(parents, imports)).process.wait()
    before, size = module.stat(), module.stat().st_size
    draft = module.with_suffix(".new")
    draft.write_text(module.read_text().replace("VERSION, PID, SEEN = 1", "VERSION, PID, SEEN = 2"))
    os.utime(draft, ns=(before.st_atime_ns, before.st_mtime_ns))
    draft.rename(module)
    assert module.stat().st_size == size
    new = await start(parents, imports)
    assert (await new.told())["version"] == 2
    await new.process.wait()


async def test_a_link_that_leads_to_another_folder_is_new_code(
    parents: WarmParents, imports: Imports, tmp_path: Path
) -> None:
    current = tmp_path / "current"
    current.symlink_to(imports.folder)
    linked = Imports(folder=current, package="warmed")
    first = await start(parents, linked)
    assert (await first.told())["version"] == 1
    await first.process.wait()
    write_package(make_folder(tmp_path / "next" / "warmed"), 2)
    draft = tmp_path / "draft"
    draft.symlink_to(tmp_path / "next")
    draft.rename(current)
    second = await start(parents, linked)
    assert (await second.told())["version"] == 2
    await second.process.wait()


async def test_runs_that_find_new_code_at_once_share_one_new_server(
    parents: WarmParents, imports: Imports
) -> None:
    await (await start(parents, imports)).process.wait()
    write_package(imports.folder / "warmed", 2)
    runs = await asyncio.gather(*(start(parents, imports) for _ in range(10)))
    told = [await run.told() for run in runs]
    assert {one["version"] for one in told} == {2}
    assert len({one["server"] for one in told}) == 1
    assert [await run.process.wait() for run in runs] == [0] * 10


async def test_code_that_is_never_still_starts_each_run_by_itself(
    parents: WarmParents, imports: Imports
) -> None:
    module = imports.folder / "warmed" / "__init__.py"
    module.write_text(f"{module.read_text()}import pathlib\npathlib.Path(__file__).touch()\n")
    run = await start(parents, imports, PYTHONPATH=str(imports.folder))
    assert isinstance(run.process, asyncio.subprocess.Process)
    assert await run.process.wait() == 0
    assert (await run.told())["version"] == 1


async def test_a_part_that_no_run_needs_may_be_broken(
    parents: WarmParents, imports: Imports
) -> None:
    package = imports.folder / "warmed"
    (package / "broken.py").write_text("import no_such_module\n")
    (package / "__main__.py").write_text("raise SystemExit('this is no import')\n")
    run = await start(parents, imports)
    assert isinstance(run.process, ForkedRun)
    assert await run.process.wait() == 0


async def test_what_imports_print_and_set_is_there_once(
    parents: WarmParents, imports: Imports, capfd: pytest.CaptureFixture[str]
) -> None:
    module = imports.folder / "warmed" / "__init__.py"
    module.write_text(
        f"{module.read_text()}os.environ['SET'] = 'by an import'\n"
        "import sys\nsys.stdout.reconfigure(line_buffering=False)\nprint('imported')\n"
    )
    for number in range(2):
        run = await start(parents, imports, **({"SET": "by the run"} if number else {}))
        assert (await run.told())["environment"]["SET"] == (
            "by the run" if number else "by an import"
        )
        await run.process.wait()
    assert capfd.readouterr().out.count("imported") == 1


async def test_the_engine_is_run_without_a_warning(
    parents: WarmParents,
    imports: Imports,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deployments.warm.parents.ENGINE", ("prefect.flow_engine",))
    request = Request(argv=["prefect.engine"], folder=str(imports.folder), environment={"PATH": ""})
    run = await parents.start(imports, request, show_output=True)
    assert await run.wait() == 1
    said = capfd.readouterr().err
    assert "Invalid flow run id" in said
    assert "RuntimeWarning" not in said


async def test_what_cannot_be_imported_is_left_to_the_process_itself(
    parents: WarmParents, imports: Imports, capfd: pytest.CaptureFixture[str]
) -> None:
    module = imports.folder / "warmed" / "__init__.py"
    module.write_text("raise ImportError('not today')\n")
    run = await start(parents, imports, PYTHONPATH=str(imports.folder))
    assert isinstance(run.process, asyncio.subprocess.Process)
    assert await run.process.wait() == 1
    assert "not today" in capfd.readouterr().err
    write_package(module.parent, 3)
    mended = await start(parents, imports)
    assert (await mended.told())["version"] == 3
    await mended.process.wait()


async def test_output_is_the_workers_or_nobodys(
    parents: WarmParents, imports: Imports, capfd: pytest.CaptureFixture[str]
) -> None:
    script = imports.folder.parent / "script.py"
    script.write_text("import sys\nprint('said')\nprint('complained', file=sys.stderr)\n")
    await (await start(parents, imports, show_output=False)).process.wait()
    assert capfd.readouterr() == ("", "")
    await (await start(parents, imports)).process.wait()
    assert capfd.readouterr() == ("said\n", "complained\n")


async def test_many_at_once(parents: WarmParents, imports: Imports) -> None:
    runs = await asyncio.gather(
        *(start(parents, imports, STATUS=str(number)) for number in range(50))
    )
    assert [await run.process.wait() for run in runs] == list(range(50))
    assert len({(await run.told())["server"] for run in runs}) == 1
