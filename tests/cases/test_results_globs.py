"""Results in several files are all read, and only those of this invocation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from shipway.config.pipeline import Layer
from shipway.errors import FailError
from shipway.pyramid.plan import Plan
from shipway.pyramid.results import TestResult
from shipway.test_tools.junit import Junit
from tests.support.environments import process_environment

FAILURE = '<testsuite><testcase name="{}"><failure message="boom"/></testcase></testsuite>'
SUREFIRE = "target/surefire-reports/TEST-*.xml"
# Copies what a tool would write: the folder `new` stands for the tool.
WRITE = "cp -R new/. ."


def suite(*names: str) -> str:
    cases = "".join(f'<testcase name="{name}"/>' for name in names)
    return f"<testsuite>{cases}</testsuite>"


def lay(folder: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


async def run_tests(folder: Path, glob: str | None, command: str = WRITE) -> list[TestResult]:
    """The tests that a command's results name."""
    tool = Junit(["sh", "-c", command], glob, [])
    async with process_environment(folder, {}) as environment:
        invocation = tool.invocation(Plan(), environment.folder, environment.env)
        assert invocation is not None
        ended = await environment.run(invocation, lambda _: None)
    return [*tool.reader().finish(ended, "the last words")]


async def names(folder: Path, glob: str | None, command: str = WRITE) -> list[str]:
    return [test.name for test in await run_tests(folder, glob, command)]


async def told(folder: Path, glob: str | None, command: str = WRITE) -> FailError:
    """What is said where there are no results."""
    with pytest.raises(FailError) as caught:
        await run_tests(folder, glob, command)
    return caught.value


@pytest.mark.parametrize(
    ("glob", "files"),
    [
        (SUREFIRE, ["target/surefire-reports/TEST-com.acme.CartTest.xml"]),
        (SUREFIRE, ["target/surefire-reports/TEST-a.xml", "target/surefire-reports/TEST-b.xml"]),
        ("target/*-reports/TEST-*.xml", ["target/failsafe-reports/TEST-a.xml"]),
        ("build/test-results/**/*.xml", ["build/test-results/test/TEST-a.xml"]),
        (
            "build/test-results/**/*.xml",
            ["build/test-results/a.xml", "build/test-results/a/b/c.xml"],
        ),
        (
            "**/build/test-results/**/*.xml",
            ["a/build/test-results/t/a.xml", "b/build/test-results/b.xml"],
        ),
        ("**/TEST-*.xml", ["TEST-top.xml", "a/TEST-a.xml", "a/b/.hidden/TEST-b.xml"]),
        ("packages/*/junit.xml", ["packages/cart/junit.xml", "packages/web-shop/junit.xml"]),
        ("reports/**", ["reports/one", "reports/a/two.xml"]),
        ("reports/junit-[0-9].xml", ["reports/junit-1.xml", "reports/junit-2.xml"]),
        ("reports/[!a]?.xml", ["reports/bb.xml"]),
        ("out put/*.xml", ["out put/a b.xml", 'out put/it\'s|"c" $d\\n é.xml', "out put/-rf.xml"]),
        ("junit.xml", ["junit.xml"]),
        ("./reports//x.xml", ["reports/x.xml"]),
    ],
)
async def test_every_file_that_matches_is_read(tmp_path: Path, glob: str, files: list[str]) -> None:
    lay(tmp_path / "new", {file: suite(str(number)) for number, file in enumerate(files)})
    layer = Layer.model_validate({"command": ["t"], "junit": glob})
    assert sorted(await names(tmp_path, layer.junit)) == [str(n) for n in range(len(files))]


@pytest.mark.parametrize(
    ("glob", "other"),
    [
        (SUREFIRE, "target/surefire-reports/deep/TEST-b.xml"),
        (SUREFIRE, "target/surefire-reports/TEST-b.xml.tmp"),
        (SUREFIRE, "other/target/surefire-reports/TEST-b.xml"),
        (SUREFIRE, "target/surefire-reports/test-b.xml"),
        ("**/surefire-reports/TEST-*.xml", "target/surefire-reportsX/TEST-b.xml"),
        ("**/surefire-reports/TEST-?.xml", "target/surefire-reports/TEST-bb.xml"),
        ("target/*/TEST-[!b].xml", "target/surefire-reports/TEST-b.xml"),
        ("target/*/TEST-a.xml", "target/surefire-reports/TEST-aXxml"),
    ],
)
async def test_what_does_not_match_is_not_read(tmp_path: Path, glob: str, other: str) -> None:
    lay(tmp_path / "new", {"target/surefire-reports/TEST-a.xml": suite("a"), other: "no XML"})
    assert await names(tmp_path, glob) == ["a"]


@pytest.mark.parametrize(
    ("before", "command", "expected"),
    [
        # jenkinsci/junit-plugin#368: tests that were deleted are told as passed.
        ({"a": "old", "b": "old"}, "true", None),
        ({"a": "old"}, "exit 1", None),
        ({"a": "old"}, "cat target/surefire-reports/TEST-a.xml", None),
        ({"a": "old"}, "chmod -R o-r target", None),
        ({"a": "old"}, WRITE, ["new"]),
        ({"x": "old", "y": "old"}, WRITE, ["new"]),
        ({"x": "old"}, f"rm -r target; {WRITE}", ["new"]),
        ({"a": "new"}, WRITE, ["new"]),
    ],
    ids=[
        *("left alone", "left alone by what fails", "read", "with other rights", "written anew"),
        *("beside new ones", "in a folder that is made anew", "written anew with what it held"),
    ],
)
async def test_a_file_that_was_there_before_is_no_result(
    tmp_path: Path, before: dict[str, str], command: str, expected: list[str] | None
) -> None:
    folder = "target/surefire-reports"
    lay(tmp_path, {f"{folder}/TEST-{name}.xml": suite(test) for name, test in before.items()})
    lay(tmp_path / "new", {f"{folder}/TEST-a.xml": suite("new")})
    if expected is None:
        assert "left no results" in (await told(tmp_path, SUREFIRE, command)).what
    else:
        assert await names(tmp_path, SUREFIRE, command) == expected


async def test_one_invocation_after_another_has_results_of_its_own(tmp_path: Path) -> None:
    for number in range(3):
        lay(tmp_path / "new", {f"out/{number}.xml": suite(str(number))})
        move = "mkdir -p out; mv new/out/* out"
        assert await names(tmp_path, "out/*.xml", move) == [str(number)]
    assert "left no results" in (await told(tmp_path, "out/*.xml", "true")).what


async def test_the_sources_that_a_wide_glob_matches_are_left_alone(tmp_path: Path) -> None:
    lay(tmp_path, {"pom.xml": "<project/>"})
    lay(tmp_path / "new", {"out/a.xml": suite("a")})
    assert await names(tmp_path, "**/*.xml", f"cat pom.xml && {WRITE} && rm -r new") == ["a"]
    assert (tmp_path / "pom.xml").read_text() == "<project/>"


# jstemmer/go-junit-report#142: no file was a success.
@pytest.mark.parametrize(
    "glob", [SUREFIRE, "**/*.junit", "no/such/folder/*.xml", "junit.xml", "{a,b}/*.xml", "new"]
)
async def test_no_match_is_red(tmp_path: Path, glob: str) -> None:
    lay(tmp_path / "new", {"target/surefire-reports/a.xml": suite("a")})
    error = await told(tmp_path, glob)
    assert error.what == "The test command left no results."
    assert glob in str(error.facts["expected"])
    assert "the last words" in str(error.facts["got"])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<testsuite><testcase",
        # infinispan/infinispan#14390: two writers of one file.
        '<testsuite><testcase name="a"/></testsuite>e name="b"/></testsuite>',
        "<html/>",
        "{}",
        "<testsuite>\x00",
    ],
    ids=["empty", "cut off", "written twice", "another document", "no XML", "a byte of nothing"],
)
async def test_one_file_that_cannot_be_read_is_red(tmp_path: Path, content: str) -> None:
    good = {f"target/surefire-reports/TEST-{name}.xml": suite(name) for name in "ac"}
    lay(tmp_path / "new", {**good, "target/surefire-reports/TEST-b.xml": content})
    error = await told(tmp_path, SUREFIRE)
    assert error.what == "The test results cannot be read."
    assert "target/surefire-reports/TEST-b.xml" in str(error.facts["where"])


@pytest.mark.parametrize("file", ["a", "b", "c"])
async def test_a_failure_in_any_file_is_red(tmp_path: Path, file: str) -> None:
    lay(tmp_path / "new", {f"out/{name}.xml": suite(name) for name in "abc"})
    lay(tmp_path / "new", {f"out/{file}.xml": FAILURE.format(file)})
    tests = await run_tests(tmp_path, "out/*.xml", f"{WRITE}; exit 1")
    assert [test.name for test in tests if test.outcome == "failed"] == [file]
    assert len(tests) == 3


async def test_the_failures_of_all_files_explain_the_status(tmp_path: Path) -> None:
    lay(tmp_path / "new", {f"out/{name}.xml": FAILURE.format(name) for name in "abc"})
    assert len(await run_tests(tmp_path, "out/*.xml", f"{WRITE}; exit 3")) == 3
    assert "do not explain" in (await told(tmp_path, "out/*.xml", f"{WRITE}; exit 2")).what


# GitLab reads only the first of two tests with one name: DavidAnson/markdownlint-cli2#512.
@pytest.mark.parametrize(
    ("first", "second", "outcomes"),
    [
        (suite("a"), suite("a"), {"a": "passed", "a #2": "passed"}),
        (suite("a"), FAILURE.format("a"), {"a": "passed", "a #2": "failed"}),
        (FAILURE.format("a"), suite("a"), {"a": "failed", "a #2": "passed"}),
        (suite("a", "b"), suite("b", "a"), dict.fromkeys(("a", "b", "b #2", "a #2"), "passed")),
        (suite("a", "a"), suite("a"), dict.fromkeys(("a", "a #2", "a #3"), "passed")),
    ],
)
async def test_a_test_that_two_files_tell_counts_twice(
    tmp_path: Path, first: str, second: str, outcomes: dict[str, str]
) -> None:
    lay(tmp_path / "new", {"out/1.xml": first, "out/2.xml": second})
    status = int("failed" in outcomes.values())
    tests = await run_tests(tmp_path, "out/*.xml", f"{WRITE}; exit {status}")
    assert {test.name: test.outcome for test in tests} == outcomes


# mikepenz/action-junit-report#698, ScaCap/action-surefire-report#25: Bazel's folder is a link.
@pytest.mark.parametrize(
    ("glob", "command"),
    [
        ("testlogs/**/*.xml", "ln -s ../outside testlogs"),
        ("testlogs/deep/*.xml", "ln -s ../outside testlogs"),
        ("testlogs/deep/a.xml", "ln -s ../outside testlogs"),
        ("out/**/*.xml", "mkdir out; ln -s ../../outside out/more"),
        ("out/*/*.xml", "mkdir out; ln -s ../../outside/deep out/more"),
        ("out/*.xml", "mkdir out; ln -s ../../outside/deep/a.xml out"),
        ("out/*.xml", "mkdir out; ln -s ../inside.xml out"),
        ("a.xml", "ln -s ../outside/deep/a.xml a.xml"),
    ],
)
async def test_what_a_link_leads_to_is_not_read(tmp_path: Path, glob: str, command: str) -> None:
    lay(tmp_path, {"code/inside.xml": suite("inside")})
    # What lies outside is new, too.
    write = f"mkdir -p ../outside/deep; echo '{suite('a')}' > ../outside/deep/a.xml"
    error = await told(tmp_path / "code", glob, f"{command}; {write}")
    assert "left no results" in error.what


async def test_a_loop_of_links_has_an_end(tmp_path: Path) -> None:
    lay(tmp_path / "new", {"out/a.xml": suite("a")})
    assert await names(tmp_path, "out/**/*.xml", f"{WRITE}; ln -s . out/again") == ["a"]


async def test_a_folder_that_stays_inside_may_be_a_link(tmp_path: Path) -> None:
    lay(tmp_path / "new", {"real/a.xml": suite("a")})
    (tmp_path / "out").symlink_to("real")
    assert await names(tmp_path, "out/*.xml") == ["a"]


@pytest.mark.parametrize("path", ["/tmp/*.xml", "../*.xml", "a/../../*.xml", "..", "**/../../a"])
def test_a_glob_that_leaves_the_folder_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="inside the app's folder"):
        Layer.model_validate({"command": ["t"], "junit": path})


@pytest.mark.parametrize("more", [{}, {"shards": 2}, {"shards": 1, "retries": 1}])
def test_two_processes_never_share_what_a_glob_matches(more: dict[str, int]) -> None:
    keys = {"runner": "process", "command": ["t", "{files}"], "files": "*.t", "junit": "o/*.xml"}
    with pytest.raises(ValueError, match=r"\$SHIPWAY_JUNIT"):
        Layer.model_validate({**keys, **more})


@pytest.mark.parametrize(
    ("limit", "most", "got"),
    [
        ("MOST_FILES", 2, "3 files"),
        ("MOST_FILES", 3, None),
        ("MOST_BYTES", 3 * len(suite("a")) - 1, f"{3 * len(suite('a'))} bytes"),
        ("MOST_BYTES", 3 * len(suite("a")), None),
        ("MOST_BYTES", 1, f"{3 * len(suite('a'))} bytes"),
    ],
)
async def test_more_than_can_be_read_is_red(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, got: str | None
) -> None:
    monkeypatch.setattr(f"shipway.runners.results.{limit}", most)
    lay(tmp_path / "new", {f"out/{name}.xml": suite(name) for name in "abc"})
    if got is None:
        assert await names(tmp_path, "out/*.xml") == ["a", "b", "c"]
        return
    error = await told(tmp_path, "out/*.xml")
    assert error.what == "The test results are too large."
    assert got in str(error.facts["got"])
    assert "junit" in str(error.facts["remedy"])


async def test_two_thousand_files_are_read(tmp_path: Path) -> None:
    lay(tmp_path / "new", {f"out/{number}.xml": suite(str(number)) for number in range(2000)})
    assert len(set(await names(tmp_path, "out/*.xml"))) == 2000


@pytest.mark.parametrize("where", ["[odd]", "st*r", "wh?t"])
async def test_a_folder_of_an_odd_name_has_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    (tmp_path / where).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / where))
    monkeypatch.setattr("tempfile.tempdir", None)
    write = f"echo '{suite('a')}' >\"$SHIPWAY_JUNIT\""
    assert await names(tmp_path / where, None, write) == ["a"]
