"""50 apps released into one ops repository at once, beside 50 scripts that do the same."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from statistics import median

from git import Repo

from bench.common.quiet import Quiet
from bench.common.rounds import how, rounds
from bench.common.script_env import script_env
from bench.common.section import Section
from bench.gitops.races import ENVIRONMENT, Race, image_of, ops_of, race
from bench.release.goals import Measured
from bench.release.part import Part, ratio, spread

APPS = 50
SCRIPTS, SHIPWAY = "Scripts", "Shipway"
# As teams write it: whoever is late pulls, and pushes again.
_SCRIPT = """
git clone --quiet "$URL" clone; cd clone
"$YQ" -i '.spec.template.spec.containers[0].image = strenv(IMAGE)' "$MANIFEST"
git commit --quiet --all --message release
until git push --quiet origin HEAD:main; do git pull --quiet --rebase origin main; done
"""


def at_once(quiet: Quiet) -> Part:
    """Both, in turn."""
    races: list[Race] = []

    def shipway_race() -> float:
        races.append(race(APPS, 1, os.environ))
        return races[-1].seconds

    taken = rounds(quiet, {SCRIPTS: partial(_scripts, os.environ), SHIPWAY: shipway_race})
    scripts, shipway = taken.results[SCRIPTS], taken.results[SHIPWAY]
    slowest = [max(attempt.seconds for attempt in one.attempts) for one in races]
    section = Section(
        title=f"{APPS} apps at once into one ops repository",
        about=f"{how(taken)} The scripts clone, set the image with yq, commit, and push; who is "
        "late pulls with --rebase, and pushes again. The slowest release is that of each race.",
        rows=(
            {"": SCRIPTS, "Until all have landed": spread(scripts), "The slowest release": "–"},
            {
                "": SHIPWAY,
                "Until all have landed": spread(shipway),
                "The slowest release": spread(slowest),
            },
        ),
        promises={
            "none is lost, none fails": all(
                one.count("landed") == APPS and one.lost == 0 for one in races
            ),
            "no merges, and each commit is what it says": all(
                one.merges == one.wrong == 0 for one in races
            ),
        },
    )
    measured = Measured(median(shipway), ratio(shipway, scripts))
    return Part([section], {f"{APPS} at once": measured})


def _scripts(env: Mapping[str, str]) -> float:
    """Seconds until all scripts have pushed; end where one fails, or its commit is not there."""
    with tempfile.TemporaryDirectory() as folder:
        ops = ops_of(APPS, env, folder)
        before = ops.head.commit.hexsha
        base = {**script_env(env), "URL": ops.remote().url, "IMAGE": image_of(1)}
        begin = time.monotonic()
        running = [_start(base, Path(folder, f"script-{app}"), app) for app in range(APPS)]
        failed = [process.wait() for process in running]
        seconds = time.monotonic() - begin
        ops.remote().fetch()
        if any(failed) or _commits(ops, before) != APPS:
            sys.exit(f"✗ of {APPS} scripts, {_commits(ops, before)} landed")
        return seconds


def _start(base: Mapping[str, str], folder: Path, app: int) -> subprocess.Popen[bytes]:
    folder.mkdir()
    env = {**base, "MANIFEST": f"{ENVIRONMENT}/app-{app}/web.yaml"}
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        ["bash", "-ec", _SCRIPT], cwd=folder, env=env, stdin=quiet, stdout=quiet, stderr=quiet
    )


def _commits(ops: Repo, since: str) -> int:
    return int(ops.git.rev_list("--count", f"{since}..origin/main"))
