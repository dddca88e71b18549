"""What came of the releases that were hit, as a table with promises for each kind of hit."""

from __future__ import annotations

from collections.abc import Sequence

from bench.common.section import Cell, Section
from bench.kills.app import MEGABYTES, SECONDS
from bench.kills.cases import Case
from bench.kills.hits import TITLES, Kind
from bench.kills.release_end import NONE
from bench.kills.stages import after, within

CONTAINER_SECONDS = 10
CANCELLED = "This run was cancelled"

# The state that a run ends in, and the promise.
ENDS: dict[Kind, tuple[str, str]] = {
    "run": ("Crashed", "a run that is killed has crashed"),
    "worker": ("Completed", "the run goes on without its worker, and completes"),
    "parent": ("Completed", "the run goes on without what it was forked from, and completes"),
    "cancel": ("Cancelled", "a run that is cancelled is Cancelled"),
}
ABOUT = (
    "Each release is of a revision of its own, through a deployment, on a worker of the bench's "
    f"own; its images take {SECONDS} s to build, and the one that ships has {MEGABYTES} MB more. "
    "The stage release is the push, and deploy the commit. Where it was hit is what Prefect's "
    "server says right after the hit. Commits are counted in the ops repository, pushes in the "
    "registry's access log."
)


def section(kind: Kind, cases: Sequence[Case]) -> Section:
    """The table of one kind of hit."""
    expected, ends = ENDS[kind]
    promises = {
        ends: all(_ended_as(case, expected) for case in cases),
        _nothing_left(kind): not any(case.left.on_machine for case in cases),
        "no part of it goes on in Prefect": not any(case.left.subflows for case in cases),
        "the same release once more completes": all(case.again == "Completed" for case in cases),
        "one commit and one push for each revision, of the same image": all(
            case.commits == 1 and case.pushes == 1 and case.same_image for case in cases
        ),
    }
    if kind == "cancel":
        promises["each report of a cancelled run says so"] = all(
            case.report.startswith(CANCELLED)
            for case in cases
            if case.end.state == "Cancelled" and case.report != NONE
        )
        promises[f"no container of it runs {CONTAINER_SECONDS} s later"] = all(
            case.end.last_container_seconds <= CONTAINER_SECONDS for case in cases
        )
    return Section(
        title=f"A release in each stage: {TITLES[kind]}",
        about=ABOUT,
        rows=tuple(_row(kind, case) for case in cases),
        promises=promises,
    )


def _row(kind: Kind, case: Case) -> dict[str, Cell]:
    row: dict[str, Cell] = {
        "Hit": TITLES[kind],
        "Stage": case.stage
        if case.point == within(case.stage)
        else f"{case.stage}; hit {case.point.name}",
        "State": case.end.state,
    }
    if kind == "cancel":
        row |= {
            "Report": case.report,
            "Last container, s": round(case.end.last_container_seconds, 1),
        }
    return row | {
        "Left behind": str(case.left),
        "Re-run": case.again,
        "Commits": case.commits,
        "Pushes": case.pushes,
    }


def _ended_as(case: Case, expected: str) -> bool:
    """Whether a run ended so; one that had nothing left to do as it was hit may be done."""
    was_done = case.point >= after("deploy") and case.end.state == "Completed"
    return case.end.state == expected or was_done


def _nothing_left(kind: Kind) -> str:
    when = "after the cancel" if kind == "cancel" else "after the same release once more"
    return f"no container, network or process is left {when}"
