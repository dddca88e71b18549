"""What runs where, as a page: apps and environments, and what there is to know of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from textwrap import shorten

from shipway.reports.markdown import escape, run_link, table
from shipway.rollout.status import AppStatus, WhatRuns
from shipway.rollout.waves import Waiting, waiting_for

TITLE = "What runs where"
_MOMENT = "%Y-%m-%d %H:%M"
_WIDEST = 24


def what_runs_page(
    known: WhatRuns,
    now: datetime,
    commit_link: Callable[[str], str],
    artifact_link: Callable[[str, str], str],
) -> str:
    """The page in Markdown; the same for as long as nothing has changed.

    Args:
        known: What is known.
        now: What is old by now counts as unknown.
        commit_link: A commit of the ops repository by its id, as Markdown.
        artifact_link: The newest artifact of a key, with a text, as Markdown.
    """
    statuses = [status.known_at(now) for status in known.statuses]

    def cell(status: AppStatus) -> str:
        return "<br>".join(line for line in _cell(status, commit_link, artifact_link) if line)

    waiting = (waiting_for(one, known.deployed, now) for one in known.deployed)
    parts = [
        f"# {TITLE}",
        _matrix(statuses, cell) if statuses else "The ops repository has no app yet.",
        _section("To look at", [line for one in statuses for line in _remarks(one)]),
        _section("Waits for promotion", [_waits(one) for one in waiting if one is not None]),
    ]
    return "\n\n".join(part for part in parts if part)


def in_order(statuses: list[AppStatus]) -> list[str]:
    """The environments, each behind those that it takes its versions from."""
    before = {
        status.environment: status.deployed.promotion.source
        for status in statuses
        if status.deployed and status.deployed.promotion
    }

    def place(environment: str, way: tuple[str, ...] = ()) -> int:
        # Two that take from each other have no order.
        sources = (one for one in before.get(environment, ()) if one not in way)
        return 1 + max((place(one, (*way, environment)) for one in sources), default=0)

    return sorted({one.environment for one in statuses}, key=lambda name: (place(name), name))


def _matrix(statuses: list[AppStatus], cell: Callable[[AppStatus], str]) -> str:
    environments = in_order(statuses)
    cells = {(one.app, one.environment): cell(one) for one in statuses}
    rows = [
        [f"**{app}**", *(cells.get((app, environment), "") for environment in environments)]
        for app in sorted({one.app for one in statuses})
    ]
    return table(["App", *environments], rows)


def _cell(
    status: AppStatus,
    commit_link: Callable[[str], str],
    artifact_link: Callable[[str, str], str],
) -> Iterator[str]:
    """The lines of a cell, each as short as can be: the Prefect UI breaks none."""
    deployed = status.deployed
    if status.health == "removed":
        yield "**removed**"
        yield commit_link(status.commit)
        return
    if deployed is None:
        yield "**unreadable**"
        return
    if deployed.is_untouched:
        yield deployed.state
        return
    health = status.health if status.health == "healthy" else f"**{status.health}**"
    yield f"{run_link(deployed.revision, deployed.run)} {health}"
    yield "" if deployed.is_whole_release else f"**{escape(deployed.state)}**"
    yield "**drift**" if status.drift else ""
    yield "drift not known" if status.observed and status.observed.not_compared else ""
    yield "**agent stopped**" if status.observed and status.observed.is_stopped else ""
    yield f"**{len(deployed.held)} on hold**" if deployed.held else ""
    yield f"**frozen until {deployed.frozen.end}**" if deployed.frozen else ""
    yield _line(shorten(deployed.subject, _WIDEST, placeholder="…"))
    yield f"{deployed.since.astimezone(UTC):{_MOMENT}}" if deployed.since else ""
    yield _line(shorten(deployed.by, _WIDEST, placeholder="…"))
    report = artifact_link(f"{status.app}-{status.environment}-report", "report")
    links = [report if deployed.run else "", commit_link(status.commit) if status.commit else ""]
    yield " ".join(link for link in links if link)


def _remarks(status: AppStatus) -> Iterator[str]:
    """What is not as it should be."""
    deployed, where = status.deployed, f"**{status.app_environment.title}**"
    if status.health != "healthy" and not (deployed and deployed.is_untouched):
        yield f"{where}, {status.health}: {_line(status.reason)}"
    if deployed is not None and deployed.is_under_way:
        nobody = "; no run goes on with it" if _is_left(status) else ""
        yield f"{where}, on its way: {escape(deployed.step)} was committed last{nobody}"
    if status.drift:
        yield f"{where}, differed from Git: {escape(', '.join(status.drift))}"
    if (seen := status.observed) is not None and seen.is_stopped:
        yield f"{where}, its agent applies nothing: {_line(seen.agent)}"
    for revision in deployed.held if deployed else ():
        yield f"{where}, on hold: {revision[:7]}"


def _is_left(status: AppStatus) -> bool:
    """Whether the run that committed the last step is over, as far as anybody has looked."""
    return status.observed is not None and status.observed.run in {"completed", "gave up"}


def _waits(waiting: Waiting) -> str:
    version, where = waiting.version, waiting.app_environment
    what = f"{run_link(version.revision, version.run)} {_line(version.subject)}".rstrip()
    way = f"**{where.app}** {what}: {version.environment} → {where.environment}"
    why = f"**{escape(waiting.why)}**" if waiting.state == "halted" else escape(waiting.why)
    return way if waiting.state == "by hand" else f"{way}, {why}"


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {line}" for line in lines)]) if lines else ""


def _line(text: str) -> str:
    return escape(" ".join(text.split()))
