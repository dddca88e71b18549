"""A remedy fits its cause.

pytest refuses options, configuration and conftest.py with exit status 4, before it tells of a test.
Each input is such a suite: it did not run out of memory, and no threshold of coverage is at fault.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shipway.errors import FailError
from shipway.pyramid.plan import Plan
from shipway.test_tools.pytest import Pytest
from shipway.test_tools.tool import Ended
from tests.support.environments import process_environment

TEST = {"test_a.py": "def test_a(): pass\n"}


async def refused(
    folder: Path, suite: dict[str, str], arguments: list[str], env: dict[str, str]
) -> FailError:
    for name, text in suite.items():
        (folder / name).write_text(text)
    tool = Pytest([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments])
    reader, lines = tool.reader(), list[str]()

    def output(chunk: bytes) -> None:
        lines.extend(event for event in reader.feed(chunk) if isinstance(event, str))

    async with process_environment(folder, env) as environment:
        invocation = tool.invocation(Plan(), environment.folder, environment.env)
        assert invocation is not None
        ended = await environment.run(invocation, output)
    assert ended.status == 4
    with pytest.raises(FailError) as caught:
        reader.finish(ended, "\n".join(lines))
    return caught.value


@pytest.mark.parametrize(
    ("suite", "arguments", "env", "words"),
    [
        (TEST, ["--no-such-option"], {}, "unrecognized arguments"),
        # Without pytest-cov in the environment.
        (TEST, ["-p", "no:cov", "--cov-fail-under=90"], {}, "--cov-fail-under"),
        (TEST, ["nowhere"], {}, "nowhere"),
        (TEST, ["test_a.py::test_b"], {}, "test_b"),
        (TEST, ["--maxfail=many"], {}, "invalid int value"),
        (TEST, [], {"PYTEST_ADDOPTS": "--no-such-option"}, "unrecognized arguments"),
        ({**TEST, "pytest.ini": "[pytest]\naddopts = --gone\n"}, [], {}, "--gone"),
        ({**TEST, "pytest.ini": "[pytest]\nminversion = 999\n"}, [], {}, "999"),
        ({**TEST, "conftest.py": "import nothing_of_that_name\n"}, [], {}, "nothing_of_that_name"),
    ],
    ids=[
        "an option",
        "a threshold without its plugin",
        "a path",
        "a test",
        "a value",
        "an option in the environment",
        "an option in the configuration",
        "a version in the configuration",
        "conftest.py",
    ],
)
async def test_the_remedy_leads_to_the_last_words(
    tmp_path: Path,
    suite: dict[str, str],
    arguments: list[str],
    env: dict[str, str],
    words: str,
) -> None:
    error = await refused(tmp_path, suite, arguments, env)
    assert words in str(error.facts["got"])
    remedy = str(error.facts["remedy"])
    assert "its last words say" in remedy
    assert "memory" not in remedy
    assert "threshold" not in remedy


@pytest.mark.parametrize("status", [1, 3, 127, 137, 139])
def test_another_end_before_the_first_test_may_be_a_crash(status: int) -> None:
    with pytest.raises(FailError) as caught:
        Pytest(["pytest"]).reader().finish(Ended(status=status), "")
    assert "memory" in str(caught.value.facts["remedy"])
