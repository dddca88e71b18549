"""The page of mistakes: a row for each, from what was really said of it.

What ends a run is told thrice: by the command, by the run's page and by its report.

`make mistakes` makes the mistakes and renews the page; any other run of the tests compares.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import gettempdir
from textwrap import shorten
from typing import Any

import pytest
from filelock import FileLock
from prefect.client.schemas.objects import State
from prefect.states import exception_to_failed_state

from shipway.cli.one_run import watch
from shipway.errors import ShipwayError
from shipway.reports.release import Report, render
from tests.support.runs import report, run_of

PAGE = Path(__file__).parents[2] / "docs" / "mistakes.md"
RENEW = "SHIPWAY_RENEW_MISTAKES"
FACT = re.compile(r"^  (\w+): +(.*)$")
# Of what was there instead.
SHOWN_LINES = 2
LONGEST = 200
# What differs from run to run, and what stands on the page instead.
DIFFERS = {
    r"\b[0-9a-f]{40}\b": "4f2a…",
    r"\b[0-9a-f]{12}\b": "4f2a…",
    r"\b[0-9a-f]{7}\b": "4f2a1c0",
    r"127\.0\.0\.1:\d+": "example.org",
    r"\b(pod |pod=|pods \")web-[^\s\"]+": r"\1web-…",
    r"\bback-off \d+s": "back-off …",
    r"\b\d{4}-\d\d-\d\dT[^\s]+\d\d:\d\d": "…",
    r"#\d+ (?:\d+\.\d+ )?": "",
}


def tell(mistake: str, said: str, names: Mapping[str, str] | None = None) -> None:
    """See that what is said of a mistake names cause, place and remedy, and stands on the page.

    Args:
        mistake: What somebody did wrong.
        said: The error's words.
        names: Names of this test alone, and what stands on the page instead.
    """
    row = _row(mistake, said, names or {})
    if os.environ.get(RENEW):
        with FileLock(Path(gettempdir(), "shipway-mistakes.lock")):
            _renew(mistake, row)
    elif row not in PAGE.read_text("utf-8").splitlines():
        pytest.fail(f"docs/mistakes.md says otherwise: `make mistakes` renews it\n{row}")


async def tell_of_error(
    mistake: str, error: ShipwayError, names: Mapping[str, str] | None = None
) -> None:
    """The same of an error that no run of this test ends with: all three would have its words."""
    of_run = Report(app="shop", environment="prod")
    of_run.ended_by(error)
    state = await exception_to_failed_state(error)
    assert str(error) in str(state.message)
    assert f"\n{error}\n" in render(of_run)
    # What the command ends with.
    assert of_run.row()["error"] == str(error)
    tell(mistake, str(error), names)


async def said_of_run(app: str, state: State[Any]) -> str:
    """The command's last words of a run that failed, which its page and its report have too."""
    told = StringIO()
    with redirect_stderr(told), redirect_stdout(StringIO()):
        assert watch(str(run_of(state))) == 1
    said = told.getvalue().partition("\n")[2].rstrip()
    assert said in str(state.message)
    assert f"\n{said}\n" in await report(app, state)
    return said


def _row(mistake: str, said: str, names: Mapping[str, str]) -> str:
    facts = _facts(said)
    missing = [fact for fact in ("where", "remedy") if not facts.get(fact)]
    assert not missing, f"of {mistake!r} no {missing} is said:\n{said}"
    got = facts.get("got", "").splitlines()
    # Docker says why at the end.
    shown = got[-1:] if facts["what"] == "The image does not build." else got[:SHOWN_LINES]
    wrong = "\n".join([facts["what"], *shown])
    cells = [mistake, *(_cell(text, names) for text in (wrong, facts["where"], facts["remedy"]))]
    return f"| {' | '.join(cells)} |"


def _facts(said: str) -> dict[str, str]:
    what, *lines = said.splitlines()
    facts, current = {"what": what}, "what"
    for line in lines:
        if fact := FACT.match(line):
            current = fact[1]
            facts[current] = fact[2]
        else:
            facts[current] += f"\n{line.strip()}"
    return facts


def _cell(text: str, names: Mapping[str, str]) -> str:
    for name, instead in names.items():
        text = text.replace(name, instead)
    for pattern, instead in DIFFERS.items():
        text = re.sub(pattern, instead, text)
    lines = (shorten(line, LONGEST, placeholder=" […]") for line in text.splitlines())
    return "<br>".join(lines).replace("|", "\\|")


def _renew(mistake: str, row: str) -> None:
    head, begin, rows = PAGE.read_text("utf-8").partition("|---|---|---|---|\n")
    others = [line for line in rows.splitlines() if not line.startswith(f"| {mistake} |")]
    PAGE.write_text(head + begin + "".join(f"{line}\n" for line in sorted([*others, row])), "utf-8")
