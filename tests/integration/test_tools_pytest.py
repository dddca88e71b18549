"""What is told of real pytest suites, beside what pytest itself writes down."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from shipway.errors import FailError
from shipway.pyramid.plan import Plan
from shipway.pytest_plugin.shipway_names import ledger_name
from shipway.test_tools.junit_xml import parse_junit
from shipway.test_tools.pytest import Pytest
from tests.support.environments import process_environment
from tests.support.telling import Told, tell

PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
XDIST = ["-p", "xdist", "-n", "2"]
# The plugins of this project's own suite are none of theirs.
BARE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
SUITE = {
    "unit/test_kinds.py": """
import sys, warnings
import pytest

def test_pass(): print("printed"); print("to the other", file=sys.stderr)
def test_fail(): assert 1 + 1 == 3, "arithmetic"
def test_raise(): raise ValueError("with\\nlines")
@pytest.mark.skip(reason="later")
def test_skip(): pass
def test_skip_inside(): pytest.skip("not here")
@pytest.mark.xfail(reason="known")
def test_xfail(): assert False
@pytest.mark.xfail
def test_xpass(): pass
@pytest.mark.xfail(strict=True)
def test_strict_xpass(): pass
def test_warns(): warnings.warn("careful")
@pytest.fixture
def broken_setup(): raise OSError("no disk")
def test_setup_error(broken_setup): pass
@pytest.fixture
def broken_teardown():
    yield
    raise OSError("cannot clean up")
def test_teardown_error(broken_teardown): pass
def test_fails_twice(broken_teardown): assert False
def test_exits(): sys.exit(3)
class TestClass:
    class TestInner:
        def test_method(self): pass
    def test_fail(self): assert False
""",
    "unit/test_ids.py": """
import pytest
IDS = ["a::b", "[x]", "x/y.py::test", "two words", "ü", "new\\nline", "#", "'\\"", "-k", "a,b", ""]
@pytest.mark.parametrize("value", range(len(IDS)), ids=IDS)
def test_odd(value): assert value % 4
""",
    "unit/test_unittest.py": """
import unittest
class Case(unittest.TestCase):
    def test_pass(self): pass
    def test_fail(self): self.assertEqual(1, 2)
    @unittest.skip("later")
    def test_skip(self): pass
    @unittest.expectedFailure
    def test_expected(self): self.fail()
""",
    "e2e/test_broken.py": "import no_such_module\n",
    "e2e/test_skipped.py": "import pytest\npytest.skip('not here', allow_module_level=True)\n",
    "pytest.ini": "[pytest]\njunit_logging = all\n",
}


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    if "pytest.ini" not in files:
        (folder / "pytest.ini").write_text("[pytest]\n")


async def run(
    folder: Path,
    *options: str,
    plan: Plan | None = None,
    env: Mapping[str, str] | None = None,
    told: Told | None = None,
) -> Told:
    async with process_environment(folder, {**BARE, **(env or {})}) as place:
        return await tell(place, Pytest([*PYTEST, *options]), plan or Plan(), told)


def plain(folder: Path, *options: str) -> dict[str, Counter[str]]:
    """What plain pytest writes of each test: how often it came to what."""
    file = folder / "plain.xml"
    command = [*PYTEST, f"--junitxml={file}", *options]
    subprocess.run(
        command, cwd=folder, env={**os.environ, **BARE}, capture_output=True, check=False
    )
    found: dict[str, Counter[str]] = {}
    for one in parse_junit(file.read_bytes(), "plain pytest"):
        found.setdefault(one.name, Counter())[one.outcome] += 1
    return found


def as_junit_has_it(nodeid: str) -> str:
    """A node id as the name that JUnit XML gives it."""
    head, bracket, parameters = nodeid.partition("[")
    path, *names = head.split("::")
    group = ".".join([path.removesuffix(".py").replace("/", "."), *names[:-1]])
    # A file that cannot be read has no name inside.
    return f"{group}::{names[-1]}{bracket}{parameters}" if names else group


async def test_every_test_comes_to_what_pytest_itself_says(tmp_path: Path) -> None:
    write(tmp_path, SUITE)
    theirs = plain(tmp_path, "--continue-on-collection-errors")
    told = await run(tmp_path, "--continue-on-collection-errors")
    ours = {as_junit_has_it(one.name): one.outcome for one in told.results}
    assert len(ours) == len(told.results)
    # A module that skips itself as a whole is none of the tests.
    theirs = {name: found for name, found in theirs.items() if "test_skipped" not in name}
    # A test that fails and then fails to clean up stands there twice.
    worst = {
        name: "failed" if found["failed"] else next(iter(found)) for name, found in theirs.items()
    }
    assert ours == worst
    assert Counter(ours.values()).keys() == {"passed", "failed", "skipped"}
    assert told.collected == len(told.results) - 1
    assert not [name for _, _, names in os.walk(tmp_path) for name in names if "shipway" in name]


async def test_a_failure_says_where_and_why_and_what_was_printed(tmp_path: Path) -> None:
    write(tmp_path, SUITE)
    found = {one.name.partition("::")[2]: one for one in (await run(tmp_path, "unit")).results}
    failed = found["test_fail"]
    assert failed.message.startswith("AssertionError: arithmetic\nassert (1 + 1) == 3")
    assert (failed.file, failed.line) == ("unit/test_kinds.py", 6)
    assert "> " in failed.text
    assert found["test_raise"].message == "ValueError: with\nlines"
    assert found["test_setup_error"].message == "OSError: no disk"
    assert found["test_teardown_error"].message == "OSError: cannot clean up"
    assert found["test_skip"].message == "later"
    assert found["test_xfail"].message == "known"
    assert "printed\n" in found["test_pass"].output
    assert "to the other\n" in found["test_pass"].output
    assert "[XPASS(strict)]" in found["test_strict_xpass"].text


async def test_a_file_that_cannot_be_read_is_told_and_keeps_the_others_from_running(
    tmp_path: Path,
) -> None:
    broken = {"test_broken.py": "import no_such_module\n", "test_a.py": "def test_a(): pass"}
    write(tmp_path, broken)
    told = Told()
    with pytest.raises(FailError) as caught:
        await run(tmp_path, told=told)
    (failed,) = told.results
    assert (failed.name, failed.outcome) == ("test_broken.py", "failed")
    assert "No module named 'no_such_module'" in failed.message
    assert caught.value.what == "Tests that were collected have no result."
    assert "repair the files that pytest cannot read" in str(caught.value)


async def test_tests_with_odd_ids_can_be_asked_for_one_by_one(tmp_path: Path) -> None:
    write(tmp_path, {"test_ids.py": SUITE["unit/test_ids.py"]})
    every = await run(tmp_path)
    assert len(every.outcomes()) == 11
    for one in every.results[:5]:
        again = await run(tmp_path, plan=Plan(only=(one.name,)))
        assert again.outcomes() == {one.name: one.outcome}
        assert again.suites == every.suites


async def test_names_with_control_characters_and_of_ten_kilobytes_are_told_whole(
    tmp_path: Path,
) -> None:
    ids = [
        "bell \x07",
        "escape \x1b[31m",
        "separator \x1e",
        "two\nlines",
        "long " * 2000,
        "🚢" * 99,
    ]
    write(
        tmp_path,
        {
            "test_ids.py": f"import pytest\n@pytest.mark.parametrize('x', {ids!r}, ids={ids!r})\n"
            "def test_odd(x): print(x); assert 'l' in x\n",
            "pytest.ini": "[pytest]\ndisable_test_id_escaping_and_forfeit_all_rights_to_"
            "community_support = true\n",
        },
    )
    told = await run(tmp_path)
    names = [f"test_ids.py::test_odd[{one}]" for one in ids]
    assert [one.name for one in told.results] == names
    assert [one.outcome for one in told.results] == [
        *("passed", "failed", "failed", "passed", "passed", "failed")
    ]
    done = tuple(ledger_name(name) for name in names[:-2])
    rest = await run(tmp_path, plan=Plan(done=done, seconds={ledger_name(names[-2]): 2.0}))
    assert [one.name for one in rest.results] == names[-2:]


async def test_shards_share_all_tests_out_and_find_the_same_suite(tmp_path: Path) -> None:
    write(tmp_path, SUITE)
    every = await run(tmp_path, "unit")
    parts = [
        await run(tmp_path, "unit", plan=Plan(shard=shard, shards=3, split=split))
        for split, shard in (("test", 0), ("test", 1), ("test", 2), ("file", 0), ("file", 1))
    ]
    parts.append(await run(tmp_path, "unit", plan=Plan(shard=2, shards=3, split="file")))
    assert {one for part in parts for one in part.suites} == every.suites
    for half in (parts[:3], parts[3:]):
        told = [one.name for part in half for one in part.results]
        assert sorted(told) == sorted(every.outcomes())
    files = [{one.name.partition("::")[0] for one in part.results} for part in parts[3:]]
    assert sorted(map(len, files)) == [1, 1, 1]


@pytest.mark.parametrize(
    ("ending", "status"),
    [("os._exit(0)", 0), ("os._exit(3)", 3), ("os.kill(os.getpid(), 9)", 137)],
    ids=["as if all were well", "with a status", "kill -9"],
)
async def test_a_test_that_ends_the_process_is_no_end(
    tmp_path: Path, ending: str, status: int
) -> None:
    ends = f"import os\ndef test_a(): pass\ndef test_b(): {ending}\ndef test_c(): pass\n"
    write(tmp_path, {"test_ends.py": ends})
    told = Told()
    with pytest.raises(FailError) as caught:
        await run(tmp_path, told=told)
    assert caught.value.what == (
        f"pytest was ended from outside, or crashed, with exit status {status}."
    )
    assert told.outcomes() == {"test_ends.py::test_a": "passed"}


@pytest.mark.parametrize("options", [["--no-such-option"], ["no_such_folder"], ["-p", "no_plugin"]])
async def test_pytest_that_does_not_begin_fails_in_its_own_words(
    tmp_path: Path, options: list[str]
) -> None:
    write(tmp_path, {"test_a.py": "def test_a(): pass"})
    with pytest.raises(FailError) as caught:
        await run(tmp_path, *options)
    assert options[-1] in str(caught.value.facts["got"])


async def test_a_suite_that_stops_early_fails(tmp_path: Path) -> None:
    write(tmp_path, {"test_a.py": "def test_a(): assert False\ndef test_b(): pass"})
    told = Told()
    with pytest.raises(FailError, match="Tests that were collected have no result") as caught:
        await run(tmp_path, "-x", told=told)
    assert told.outcomes() == {"test_a.py::test_a": "failed"}
    assert caught.value.facts["got"] == "none of test_a.py::test_b"


async def test_a_command_that_fails_after_its_tests_fails(tmp_path: Path) -> None:
    write(tmp_path, {"test_a.py": "def test_a(): pass"})
    script = " ".join(PYTEST) + " && echo no coverage && exit 4"
    async with process_environment(tmp_path, BARE) as place:
        with pytest.raises(FailError, match="The test command failed after its tests") as caught:
            await tell(place, Pytest(["sh", "-c", script]), Plan())
    assert "no coverage" in str(caught.value.facts["got"])


async def test_an_inner_pytest_is_untouched_and_silent(tmp_path: Path) -> None:
    inner = """
import os, subprocess, sys
def test_outer(tmp_path):
    assert not [one for one in os.environ if one.startswith("SHIPWAY")]
    assert os.environ["PYTHONPATH"] == "their/folder"
    assert os.environ["PYTEST_ADDOPTS"] == "-p no:cacheprovider -q"
    (tmp_path / "test_inner.py").write_text("def test_inner(): pass\\ndef test_red(): assert 0\\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\\n")
    done = subprocess.run([sys.executable, "-m", "pytest", "-s", str(tmp_path)], cwd=tmp_path)
    assert done.returncode == 1
def test_plugin_as_a_fixture(pytester):
    pytester.makepyfile("def test_inner(): pass")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
"""
    write(tmp_path, {"test_outer.py": inner})
    env = {"PYTHONPATH": "their/folder", "PYTEST_ADDOPTS": "-p no:cacheprovider -q"}
    # What the inner one prints goes where the outer one's messages go.
    told = await run(tmp_path, "-s", "-p", "pytester", env=env)
    assert told.outcomes() == {
        "test_outer.py::test_outer": "passed",
        "test_outer.py::test_plugin_as_a_fixture": "passed",
    }
    assert told.collected == 2
    assert any("1 failed, 1 passed" in line for line in told.lines)
    assert not any("\x1e" in line for line in told.lines)


async def test_children_that_print_at_the_same_time_tear_no_message(tmp_path: Path) -> None:
    noisy = """
import subprocess, sys
import pytest
LOUD = "import os\\nwhile True: os.write(1, b'out ' * 200 + b'\\\\n'); os.write(2, b'err\\\\n')"
@pytest.fixture(scope="session", autouse=True)
def loud():
    child = subprocess.Popen([sys.executable, "-c", LOUD])
    yield
    child.kill()
@pytest.mark.parametrize("number", range(300))
def test_many(number): print("é" * 2000); assert number % 100
"""
    write(tmp_path, {"test_noisy.py": noisy})
    told = await run(tmp_path, "-s")
    assert len(told.outcomes()) == 300
    assert [one.name for one in told.results if one.outcome == "failed"] == [
        f"test_noisy.py::test_many[{number}]" for number in (0, 100, 200)
    ]


@pytest.fixture(scope="module")
def xdist(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with pytest-xdist beside this environment's own packages."""
    folder = tmp_path_factory.mktemp("xdist")
    wanted = ["pytest-xdist==3.8.0", "execnet==2.1.2"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    done = subprocess.run([*pip, str(folder), *wanted], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"pytest-xdist cannot be installed:\n{done.stderr}", pytrace=False)
    return str(folder)


async def test_workers_of_xdist_tell_the_same_as_one_process(tmp_path: Path, xdist: str) -> None:
    write(tmp_path, SUITE)
    alone = await run(tmp_path, "unit")
    shared = await run(tmp_path, "unit", *XDIST, env={"PYTHONPATH": xdist})
    assert shared.outcomes() == alone.outcomes()
    assert (shared.collected, shared.suites) == (alone.collected, alone.suites)
    part = Plan(shard=1, shards=2)
    alone = await run(tmp_path, "unit", plan=part)
    shared = await run(tmp_path, "unit", *XDIST, env={"PYTHONPATH": xdist}, plan=part)
    assert shared.outcomes() == alone.outcomes()


async def test_a_worker_of_xdist_that_crashes_is_a_failure_of_its_test(
    tmp_path: Path, xdist: str
) -> None:
    ends = "import os\ndef test_a(): pass\ndef test_b(): os._exit(0)\ndef test_c(): pass\n"
    write(tmp_path, {"test_ends.py": ends})
    told = await run(tmp_path, *XDIST, env={"PYTHONPATH": xdist})
    assert told.outcomes() == {
        "test_ends.py::test_a": "passed",
        "test_ends.py::test_b": "failed",
        "test_ends.py::test_c": "passed",
    }


async def test_a_shard_of_a_hundred_thousand_tests_runs_its_own(tmp_path: Path) -> None:
    many = "import pytest\n@pytest.mark.parametrize('n', range(100_000))\ndef test_many(n): pass\n"
    write(tmp_path, {"test_many.py": many})
    seconds = {f"test_many.py::test_many[{number}]": 1.0 for number in range(100_000)}
    plan = Plan(shard=1, shards=40, seconds=seconds, done=tuple(seconds)[:20_000])
    told = await run(tmp_path, "-q", plan=plan)
    assert told.collected == len(told.outcomes()) == 2000
    assert not told.outcomes().keys() & set(plan.done)


# As the time that is nearly up would raise it.
HANGS = """
import signal
def test_it():
    print("so far")
    signal.raise_signal(signal.SIGALRM)
"""


@pytest.mark.parametrize("capture", ["fd", "sys"])
async def test_a_test_that_hangs_says_where_and_what_it_printed(
    tmp_path: Path, capture: str
) -> None:
    write(tmp_path, {"test_hangs.py": HANGS})
    told = await run(tmp_path, f"--capture={capture}", plan=Plan(seconds_left=600))
    (test,) = told.running.values()
    assert (test.name, test.file, test.line) == ("test_hangs.py::test_it", "test_hangs.py", 3)
    assert test.output == "so far\n"
    assert test.text.splitlines()[-1].strip() == "signal.raise_signal(signal.SIGALRM)"
    assert told.outcomes() == {"test_hangs.py::test_it": "passed"}


async def test_a_signal_that_a_suite_has_taken_is_left_to_it(tmp_path: Path) -> None:
    taken = "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
    asks = "import signal\ndef test_it(): assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)\n"
    write(tmp_path, {"conftest.py": taken, "test_asks.py": asks})
    told = await run(tmp_path, plan=Plan(seconds_left=60))
    assert told.outcomes() == {"test_asks.py::test_it": "passed"}
