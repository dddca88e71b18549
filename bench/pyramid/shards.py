"""A suite of known durations in four shards, beside pytest-xdist and pytest-split."""

from __future__ import annotations

import json
import os
import random
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench.common.command import run
from bench.common.section import Cell, Section
from bench.pyramid.suite import LayerOutcome, registered

FILES, TESTS_EACH, SHARDS = 16, 20, 4
# Sleeps: four shards of them fit on two cores.
TOTAL_SECONDS, LONGEST_SECONDS = 80.0, 8.0
SEED = 7
MOST = 1.10
TOOLS = ("pytest==9.0.2", "pytest-xdist==3.8.0", "pytest-split==0.11.0")
DOCKERFILE = f"""
ARG BASE
FROM ${{BASE}}
RUN python3 -m venv /venv && /venv/bin/pip install --no-cache-dir {" ".join(TOOLS)}
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1
WORKDIR /suite
COPY . .
"""
TESTS, WALL, ALL = "Tests of the slowest shard", "Wall of the slowest shard", "Wall of all"
PYTEST = ["pytest", "-q", "-p", "no:cacheprovider"]
XDIST = [*PYTEST, "-n", str(SHARDS), "--dist", "load"]


def durations() -> dict[str, float]:
    """Seconds by test: few are slow, as in a real suite (log-normal)."""
    dice = random.Random(SEED)  # noqa: S311
    names = [f"test_{file:02}.py::test_{n:02}" for file in range(FILES) for n in range(TESTS_EACH)]
    raw = {name: dice.lognormvariate(0, 1.2) for name in names}
    scale = TOTAL_SECONDS / sum(raw.values())
    return {name: min(LONGEST_SECONDS, scale * value) for name, value in raw.items()}


def tests_of(seconds: dict[str, float]) -> dict[str, str]:
    """The suite's tests, by file."""
    files: dict[str, str] = {}
    for name, value in seconds.items():
        file, _, test = name.partition("::")
        body = f"def {test}():\n    time.sleep({value:.4f})\n"
        files[file] = files.get(file, "import time\n") + body
    return files


def files_of(seconds: dict[str, float]) -> dict[str, str]:
    """The suite."""
    return {
        **tests_of(seconds),
        "Dockerfile": DOCKERFILE,
        "pytest.ini": "[pytest]\n",
        # What pytest-split has recorded: it is given the very durations.
        ".test_durations": json.dumps(seconds),
    }


async def shards() -> Section:
    """The suite twice through Shipway, the second time with recorded timings, and once by peers."""
    seconds = durations()
    total = sum(seconds.values())
    ideal = max(total / SHARDS, *seconds.values())
    with tempfile.TemporaryDirectory() as folder:
        async with registered(Path(folder)) as suite:
            suite.write(files_of(seconds))
            image = build(folder)
            try:
                # Twice in full, as at night: a green layer would not run again.
                settings = {"command": PYTEST, "shards": SHARDS}
                first = await suite.run(image, fresh=True, **settings)
                second = await suite.run(image, fresh=True, **settings)
                xdist = _seconds(image, XDIST)
                with ThreadPoolExecutor(SHARDS) as pool:
                    split = max(
                        pool.map(partial(_seconds, image), map(_split, range(1, SHARDS + 1)))
                    )
            finally:
                run([os.environ["SHIPWAY_DOCKER_CLI"], "rmi", image], os.environ)
    counts = [layer.result.count("passed") if layer.result else 0 for layer in (first, second)]
    limit = f"with recorded timings, the tests take at most {MOST:.2f} × the ideal split"
    return Section(
        title=f"{len(seconds)} tests of known durations in {SHARDS} shards",
        about=f"{total:.1f} s of sleeps, the longest {max(seconds.values()):.1f} s: the ideal "
        f"split takes {ideal:.1f} s. The promise is about the tests of the slowest shard "
        "as pytest times them; its wall time has network, container and pytest's start in it, too, "
        "and that of all the layer's flow. Of the peers it is the wall time of `docker run`.",
        rows=(
            _row("Shipway, timings unknown", first, ideal, xdist),
            _row("Shipway, timings recorded", second, ideal, xdist),
            _peer("pytest -n 4 (xdist)", xdist, ideal, xdist),
            _peer("pytest-split, least_duration", split, ideal, xdist),
        ),
        promises={
            f"both runs ran all {len(seconds)} tests": counts == [len(seconds)] * 2,
            limit: _slowest(second)[0] <= MOST * ideal,
        },
    )


def build(folder: str) -> str:
    """Build the Dockerfile of a folder; return the image's id."""
    base = os.environ["SHIPWAY_PYTHON_IMAGE"]
    command = [os.environ["SHIPWAY_DOCKER_CLI"], "build", "--quiet", "--build-arg", f"BASE={base}"]
    done = run([*command, folder], {**os.environ, "DOCKER_BUILDKIT": "1"})
    if done.status != 0:
        raise SystemExit(f"✗ the suite's image does not build:\n{done.output}")
    return done.output.strip().splitlines()[-1]


def _split(group: int) -> list[str]:
    parts = ["--splits", str(SHARDS), "--group", str(group)]
    return [*PYTEST, *parts, "--splitting-algorithm", "least_duration"]


def _seconds(image: str, command: list[str]) -> float:
    client = os.environ["SHIPWAY_DOCKER_CLI"]
    done = run([client, "run", "--rm", "--init", image, *command], os.environ)
    if done.status != 0:
        raise SystemExit(f"✗ {' '.join(command)}: exit status {done.status}\n{done.output}")
    return done.seconds


def _slowest(layer: LayerOutcome) -> tuple[float, float]:
    """Seconds of the tests of the slowest shard, and the wall time of the slowest shard."""
    if layer.result is None or not layer.result.shards:
        raise SystemExit(f"✗ the layer has no shards: {layer.error}")
    parts = layer.result.shards
    return max(shard.test_seconds for shard in parts), max(shard.seconds for shard in parts)


def _row(title: str, layer: LayerOutcome, ideal: float, xdist: float) -> dict[str, Cell]:
    tests, wall = _slowest(layer)
    peer = _peer(title, layer.seconds, ideal, xdist)
    return {**peer, TESTS: _against(tests, ideal), WALL: _against(wall, ideal)}


def _peer(title: str, wall: float, ideal: float, xdist: float) -> dict[str, Cell]:
    against = _against(wall, ideal)
    return {"": title, TESTS: "–", WALL: against, ALL: against, "To xdist": f"{wall / xdist:.2f} ×"}


def _against(seconds: float, ideal: float) -> str:
    return f"{seconds:.1f} s, {seconds / ideal:.2f} × ideal"
