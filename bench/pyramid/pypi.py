"""Well-known packages' own test suites, through Shipway and by plain pytest, test by test."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

from junitparser import JUnitXml, TestCase

from bench.common.command import run
from bench.common.section import Cell, Section
from bench.pyramid.suite import LayerOutcome, registered

PACKAGES = (
    "attrs==26.1.0",
    "click==8.5.1",
    "itsdangerous==2.2.0",
    "markupsafe==3.0.4",
    "pluggy==1.7.0",
)
# What their suites import.
NEEDED = (
    "pytest==9.0.2",
    "cloudpickle==3.1.3",
    "freezegun==1.5.5",
    "hypothesis==6.170.17",
    "pympler==1.1",
    "pytest-benchmark==5.3.1",
)
SHARDS = 2

Outcomes = dict[str, Counter[str]]


async def pypi() -> Section:
    """Run each suite both ways, from the source archive as it is."""
    cache = Path(os.environ["SHIPWAY_CACHE"])
    key = hashlib.sha256(" ".join(PACKAGES + NEEDED).encode()).hexdigest()[:12]
    python = _environment(cache / f"suites-{key}")
    command = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    rows: list[dict[str, Cell]] = []
    promises: dict[str, bool] = {}
    for package in PACKAGES:
        name, _, version = package.partition("==")
        with tempfile.TemporaryDirectory() as folder:
            archive = _archive(cache / f"suites-{key}", name)
            seconds, by_pytest = _plain(command, _unpacked(archive, Path(folder, "plain")))
            layer = await _shipway(command, _unpacked(archive, Path(folder, "shipway")))
        by_shipway = _by_shipway(layer)
        differ = sum(
            by_pytest.get(test) != by_shipway.get(test)
            for test in by_pytest.keys() | by_shipway.keys()
        )
        counts = sum(by_shipway.values(), Counter[str]())
        rows.append(
            {
                "": f"{name} {version}",
                "Tests": counts.total(),
                **{
                    outcome.capitalize(): counts[outcome]
                    for outcome in ("passed", "failed", "skipped")
                },
                "Differ": differ,
                "Plain pytest": f"{seconds:.1f} s",
                "Shipway": f"{layer.seconds:.1f} s",
                "Ratio": f"{layer.seconds / seconds:.2f} ×",
            }
        )
        promises[f"{name}: every test comes to what pytest says"] = bool(by_pytest) and differ == 0
    return Section(
        title="Well-known packages' own suites, from PyPI's source archives",
        about=f"Plain pytest beside a layer of {SHARDS} shards in processes, timings unknown, in "
        "the same environment; pytest's word is its JUnit XML. What fails, fails in both.",
        rows=tuple(rows),
        promises=promises,
    )


def _environment(folder: Path) -> Path:
    """Python with the packages, built from their source archives, and what their suites need.

    Raises:
        SystemExit: They cannot be installed.
    """
    python, ready = folder / "venv" / "bin" / "python", folder / "ready"
    if not ready.exists():
        print("  fetching packages from PyPI, once …", flush=True)
        names = [package.partition("==")[0] for package in PACKAGES]
        sources = ["--no-deps", "--no-binary", ",".join(names), "--dest", str(folder)]
        _run([sys.executable, "-m", "venv", "--clear", str(folder / "venv")])
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        _run([*pip, "download", *sources, *PACKAGES])
        _run([*pip, "install", *(str(_archive(folder, name)) for name in names), *NEEDED])
        ready.touch()
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"✗ {' '.join(command[:5])} …\n{done.stdout}{done.stderr[-2000:]}")


def _archive(folder: Path, name: str) -> Path:
    (archive,) = folder.glob(f"{name}-*.tar.gz")
    return archive


def _unpacked(archive: Path, to: Path) -> Path:
    """The archive's one folder."""
    with tarfile.open(archive) as packed:
        packed.extractall(to, filter="data")
    (folder,) = to.iterdir()
    return folder


def _plain(command: list[str], folder: Path) -> tuple[float, Outcomes]:
    """Seconds of plain pytest, and what its JUnit XML holds."""
    file = folder.parent / "junit.xml"
    there = ["env", "-C", str(folder), *command, f"--junitxml={file}"]
    done = run(there, os.environ)
    if not file.exists():
        raise SystemExit(f"✗ plain pytest left no results:\n{done.output[-2000:]}")
    suites: Iterable[Iterable[TestCase]] = JUnitXml.fromfile(str(file))
    cases = chain.from_iterable(suites)
    return done.seconds, _counted(
        (f"{case.classname}::{case.name}", _outcome(case)) for case in cases
    )


async def _shipway(command: list[str], folder: Path) -> LayerOutcome:
    async with registered(folder) as suite:
        suite.write({})
        # To its end, as at night: a failure stops nothing.
        return await suite.run(command=command, shards=SHARDS, fresh=True)


def _by_shipway(layer: LayerOutcome) -> Outcomes:
    tests = layer.result.tests if layer.result else ()
    return _counted((_as_junit_has_it(test.name), test.outcome) for test in tests)


def _counted(outcomes: Iterable[tuple[str, str]]) -> Outcomes:
    """How often each name came to what: two tests may share one."""
    counts: Outcomes = {}
    for name, outcome in outcomes:
        counts.setdefault(name, Counter())[outcome] += 1
    return counts


def _outcome(case: TestCase) -> str:
    kinds = {type(result).__name__ for result in case.result}
    return "failed" if kinds & {"Failure", "Error"} else "skipped" if kinds else "passed"


def _as_junit_has_it(nodeid: str) -> str:
    head, bracket, parameters = nodeid.partition("[")
    path, *names = head.split("::")
    group = ".".join([path.removesuffix(".py").replace("/", "."), *names[:-1]])
    return f"{group}::{names[-1]}{bracket}{parameters}" if names else group
