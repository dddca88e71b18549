"""One commit in an ops repository of 50,000 files."""

from __future__ import annotations

import os

from bench.common.quiet import Quiet
from bench.common.section import Section
from bench.gitops import large as commits
from bench.release.goals import Measured
from bench.release.part import Part


def large(_: Quiet) -> Part:
    """As `make bench-gitops` measures it."""
    costs = commits.large(os.environ)
    peer = costs[commits.SCRIPT]
    section = Section(
        title="One commit in an ops repository of 50,000 files",
        about=f"Medians of {commits.ROUNDS}, with the bytes that moved over the network.",
        rows=tuple(
            {
                "": title,
                "Seconds": f"{cost.seconds:.2f}",
                "to the script": f"{cost.seconds / peer.seconds:.3f} ×",
                "Bytes": cost.moved,
            }
            for title, cost in costs.items()
        ),
        promises={},
    )
    measured = {
        f"{name} commit into 50,000 files": Measured(
            costs[title].seconds, costs[title].seconds / peer.seconds
        )
        for name, title in (("first", commits.FIRST), ("later", commits.LATER))
    }
    return Part([section], measured)
