"""JUnit XML as commands really leave it: well, badly, or not at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shipway.errors import FailError
from shipway.pyramid.plan import Plan
from shipway.runners import results
from shipway.test_tools.junit import Junit
from tests.support.environments import process_environment
from tests.support.telling import Told, tell

CASE = '<testcase classname="a" name="b"/>'
SUITE = f"<testsuite>{CASE}</testsuite>"


async def run(folder: Path, script: str, path: str | None = None) -> Told:
    async with process_environment(folder, {}) as place:
        return await tell(place, Junit(["sh", "-c", script], path, []), Plan())


async def test_results_are_read_from_where_the_layer_says(tmp_path: Path) -> None:
    told = await run(tmp_path, f"mkdir out; echo '{SUITE}' > out/results.xml", "out/results.xml")
    assert told.outcomes() == {"a::b": "passed"}


async def test_a_command_that_leaves_no_results_fails_with_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(FailError) as caught:
        await run(tmp_path, "echo no compiler >&2; exit 3")
    assert caught.value.what == "The test command left no results."
    assert str(caught.value.facts["got"]) == "exit status 3; its last words:\nno compiler"


@pytest.mark.parametrize(
    "content",
    ["", "no XML", "<html/>", SUITE[:-3], f"{SUITE}{SUITE}", '<testsuite><testcase time="soon"/>'],
    ids=["nothing", "text", "other XML", "half of it", "two of them", "a time that is none"],
)
async def test_results_that_cannot_be_read_are_no_success(tmp_path: Path, content: str) -> None:
    (tmp_path / "content").write_text(content)
    with pytest.raises(FailError) as caught:
        await run(tmp_path, "cat content > $SHIPWAY_JUNIT")
    assert caught.value.what == "The test results cannot be read."
    assert caught.value.facts["expected"] == "JUnit XML"
    assert caught.value.facts["got"]


async def test_results_over_the_limit_are_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "MOST_BYTES", 1000)
    write = f"printf '<testsuite>%0{{}}d{CASE}</testsuite>' 0 > $SHIPWAY_JUNIT"
    rest = 1000 - len(SUITE)
    assert (await run(tmp_path, write.format(rest))).outcomes() == {"a::b": "passed"}
    with pytest.raises(FailError) as caught:
        await run(tmp_path, write.format(rest + 1))
    assert caught.value.what == "The test results are too large."
    assert caught.value.facts["got"] == "1001 bytes in 1 files"


async def test_a_command_that_fails_without_a_failure_fails(tmp_path: Path) -> None:
    with pytest.raises(FailError) as caught:
        await run(tmp_path, f"echo '{SUITE}' > $SHIPWAY_JUNIT; echo no coverage; exit 2")
    assert caught.value.what == "The test command failed, although no test did."
    assert "no coverage" in str(caught.value.facts["got"])


async def test_an_entity_that_grows_without_end_is_no_success(tmp_path: Path) -> None:
    entities = "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "a" * 100}">' for n in range(10)
    )
    (tmp_path / "bomb.xml").write_text(
        f"<!DOCTYPE testsuite [{entities}]><testsuite><testcase name='&e9;'/></testsuite>"
    )
    with pytest.raises(FailError, match="The test results cannot be read"):
        await run(tmp_path, "cat bomb.xml > $SHIPWAY_JUNIT")


async def test_characters_that_xml_forbids_and_names_of_ten_kilobytes_are_read(
    tmp_path: Path,
) -> None:
    name = "long " * 2000
    content = (
        f"<testsuite><testcase name='{name}'/>"
        "<testcase name='bell \x07'><failure message='&#27;[31mred'>\x1b[0m</failure></testcase>"
        "</testsuite>"
    )
    (tmp_path / "content").write_text(content)
    told = await run(tmp_path, "cat content > $SHIPWAY_JUNIT; exit 1")
    assert told.outcomes() == {name: "passed", "bell ?": "failed"}
    assert told.results[1].message == "?[31mred"


async def test_a_hundred_thousand_results_are_read(tmp_path: Path) -> None:
    script = (
        "import os; cases = ''.join(f'<testcase name=\"{n}\"/>' for n in range(100_000))\n"
        "open(os.environ['SHIPWAY_JUNIT'], 'w').write(f'<testsuite>{cases}</testsuite>')"
    )
    async with process_environment(tmp_path, {}) as place:
        tool = Junit([sys.executable, "-c", script], None, [])
        told = await tell(place, tool, Plan())
    assert len(told.outcomes()) == 100_000
