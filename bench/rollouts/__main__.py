"""Rollouts on the real cluster, under constant load from a real HTTP client.

`make bench-rollouts` prints the tables and writes bench/results/rollouts.json.
"""

from __future__ import annotations

from bench.common.parts import Part, run_parts
from bench.rollouts.bad_versions import bad_versions
from bench.rollouts.by_hand import by_hand
from bench.rollouts.downtime import downtime
from bench.rollouts.endings import endings
from bench.rollouts.kills import kills
from bench.rollouts.no_answer import no_answer
from bench.rollouts.rollbacks import rollbacks

PARTS: dict[str, Part] = {
    "downtime": downtime,
    "endings": endings,
    "bad": bad_versions,
    "back": rollbacks,
    "kills": kills,
    "no-answer": no_answer,
    "by-hand": by_hand,
}

if __name__ == "__main__":
    run_parts("rollouts", PARTS)
