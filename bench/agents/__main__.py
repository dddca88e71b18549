"""Releases by Shipway's own agent and by the real Flux, on the real cluster under load.

`make bench-agents` prints the tables and writes bench/results/agents.json.
"""

from __future__ import annotations

from bench.agents.bad_version import bad_version
from bench.agents.releases import releases
from bench.agents.told import told
from bench.common.parts import run_parts

if __name__ == "__main__":
    run_parts("agents", {"releases": releases, "bad": bad_version, "told": told})
