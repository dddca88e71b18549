from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployments.warm.imports import Imports, imports_of, needs_own_start

STEP = "prefect.deployments.steps.set_working_directory"
CLONE = {"prefect.deployments.steps.git_clone": {"repository": "https://git.example.org/code"}}


def test_a_package_in_a_folder_of_the_machine_can_be_imported_beforehand(tmp_path: Path) -> None:
    steps = [{STEP: {"directory": str(tmp_path)}}]
    assert imports_of("flows.release.release", steps) == Imports(folder=tmp_path, package="flows")


@pytest.mark.parametrize(
    ("entrypoint", "steps"),
    [
        (None, [{STEP: {"directory": "/"}}]),
        ("flows/release.py:release", [{STEP: {"directory": "/"}}]),
        ("flows.release.release", None),
        ("flows.release.release", []),
        ("flows.release.release", [CLONE]),
        ("flows.release.release", [CLONE, {STEP: {"directory": "/"}}]),
        ("flows.release.release", [{STEP: {"directory": "code"}}]),
        ("flows.release.release", [{STEP: {"directory": "/no/such/folder"}}]),
        ("flows.release.release", [{STEP: {}}]),
    ],
)
def test_what_only_the_run_can_know_is_left_to_it(
    entrypoint: str | None, steps: list[dict[str, Any]] | None
) -> None:
    assert imports_of(entrypoint, steps) is None


@pytest.mark.parametrize(
    ("run", "own"),
    [
        ({"A": "b"}, False),
        ({"A": "b", "ANYTHING": "else", "PREFECT__FLOW_RUN_ID": "of this run"}, False),
        ({"A": "b", "PREFECT_LOGGING_LEVEL": "DEBUG"}, True),
        ({"A": "b", "PREFECT_RUNNER_AUTO_INSTALL_DEPENDENCIES": "true"}, True),
        ({"A": "b", "PYTHONHASHSEED": "0"}, True),
        ({"A": "b", "LD_PRELOAD": "libfaketime.so"}, True),
        ({"A": "b", "TZ": "Europe/Berlin"}, True),
        ({"A": "b", "LC_ALL": "C"}, True),
    ],
)
def test_what_a_process_reads_when_it_starts_needs_a_start(run: dict[str, str], own: bool) -> None:
    assert needs_own_start(run, {"A": "b"}) is own


@pytest.mark.parametrize("value", ["/other", None])
def test_what_the_worker_has_and_the_run_has_not_needs_a_start(value: str | None) -> None:
    assert needs_own_start({"PYTHONPATH": value}, {"PYTHONPATH": "/mine"})
    assert needs_own_start({}, {"PYTHONPATH": "/mine"})
    assert not needs_own_start({"PYTHONPATH": "/mine"}, {"PYTHONPATH": "/mine"})


@pytest.mark.parametrize(("value", "own"), [("true", True), ("1", True), ("False", False)])
def test_a_worker_that_installs_for_each_run_starts_each_run(value: str, own: bool) -> None:
    environment = {"PREFECT_RUNNER_AUTO_INSTALL_DEPENDENCIES": value}
    assert needs_own_start(environment, environment) is own
