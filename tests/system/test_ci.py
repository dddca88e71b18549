"""The CI files that teams copy, run as they are by local runners of both forges."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shipway.test_tools.junit_xml import parse_junit
from tests.support.project import HOME, Project, bring_up

CI = HOME / "deployments" / "ci"
ACT = str(Path(sys.executable).with_name("act"))
# GitHub's own action cannot be fetched everywhere. This one takes what it takes.
UPLOAD = """
name: upload-artifact
description: Keeps a file
inputs:
  name: {required: true, description: Its name}
  path: {required: true, description: Where it is}
  if-no-files-found: {required: false, description: What to do then}
runs:
  using: composite
  steps:
    - shell: bash
      run: cp "${{ inputs.path }}" "$KEPT/${{ inputs.name }}.xml"
"""


class Job:
    """How a CI job ended.

    Attributes:
        status: Its exit status.
        log: What it printed.
        page: The page that people see of it.
        junit: The results of its tests, as they are kept.
    """

    def __init__(self, done: subprocess.CompletedProcess[str], page: str, junit: bytes) -> None:
        self.status, self.log, self.page = done.returncode, done.stdout + done.stderr, page
        self.junit = junit


# Runs a project's CI job at its tip.
RunJob = Callable[[Project], Job]


@pytest.fixture(scope="module")
def shipway(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the jobs install: this checkout, as a wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "build", "--quiet", "--wheel", "-o", str(folder), str(HOME)], check=True)
    (wheel,) = folder.glob("*.whl")
    return str(wheel)


def settings(shipway: str) -> dict[str, str]:
    """What a team sets in its forge."""
    return {"PREFECT_API_URL": os.environ["PREFECT_API_URL"], "SHIPWAY": shipway}


def quick() -> dict[str, str]:
    """The packages that Shipway needs are here already: the jobs do not fetch them again."""
    return {"PIP_NO_DEPS": "1", "PIP_NO_COMPILE": "1", "PYTHONPATH": site.getsitepackages()[0]}


def environment(folder: Path) -> dict[str, str]:
    """That of a runner: it has nothing of the sandbox."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder)}


@pytest.fixture
def github(shipway: str, tmp_path: Path) -> RunJob:
    """Runs the file for GitHub Actions."""
    upload, kept, event = tmp_path / "upload", tmp_path / "kept", tmp_path / "event.json"
    upload.mkdir()
    kept.mkdir()
    (upload / "action.yml").write_text(UPLOAD)

    def run(project: Project) -> Job:
        workflow = ".github/workflows/release.yml"
        project.change({workflow: (CI / "github.yaml").read_text()})
        event.write_text(json.dumps({"repository": {"name": project.app}}))
        command = [ACT, "push", "--platform", "ubuntu-latest=-self-hosted"]
        command += ["--eventpath", str(event), "--action-cache-path", str(tmp_path / "actions")]
        command += ["--cache-server-path", str(tmp_path / "cache")]
        command += ["--local-repository", f"actions/upload-artifact@v4={upload}"]
        for name, value in settings(shipway).items():
            command += ["--var", f"{name}={value}"]
        for name, value in (quick() | {"KEPT": str(kept)}).items():
            command += ["--env", f"{name}={value}"]
        done = subprocess.run(
            command,
            cwd=project.code.working_dir,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (kept / "tests.xml").exists(), done.stdout + done.stderr
        _, _, page = done.stdout.partition("Summary - ")
        return Job(done, page, (kept / "tests.xml").read_bytes())

    return run


@pytest.fixture
def gitlab(shipway: str, sandbox: dict[str, str], tmp_path: Path) -> RunJob:
    """Runs the file for GitLab CI."""
    bring_up("CI runners", "--ci")
    runner = Path(sandbox["SHIPWAY_GITLAB_CI_LOCAL"])

    def run(project: Project) -> Job:
        project.change({".gitlab-ci.yml": (CI / "gitlab.yaml").read_text()})
        command = [str(runner), "release", "--force-shell-executor"]
        for name, value in (settings(shipway) | quick() | {"SHIPWAY_APP": project.app}).items():
            command += ["--variable", f"{name}={value}"]
        env = environment(tmp_path)
        env["PATH"] = f"{runner.parent}:{env['PATH']}"
        folder = Path(project.code.working_dir)
        done = subprocess.run(
            command, cwd=folder, env=env, capture_output=True, text=True, check=False
        )
        assert (folder / "junit.xml").exists(), done.stdout + done.stderr
        return Job(done, (folder / "report.md").read_text(), (folder / "junit.xml").read_bytes())

    return run


@pytest.fixture(params=["github", "gitlab"])
def run_job(request: pytest.FixtureRequest) -> RunJob:
    """Each forge's file and runner."""
    return request.getfixturevalue(request.param)


def test_a_good_commit_is_released_and_the_job_is_green(
    run_job: RunJob, cluster_project: Project
) -> None:
    job = run_job(cluster_project)
    assert job.status == 0, job.log
    title = f"{cluster_project.app} {cluster_project.revision[:7]} → staging"
    assert f"✓ {title}: built, 2 tests passed, pushed, 1 commit; " in job.log
    assert f"# {title}: done" in job.page
    assert "data:image" not in job.page
    assert "/runs/flow-run/" in job.page
    assert [test.outcome for test in parse_junit(job.junit, "junit.xml")] == ["passed", "passed"]
    assert list(cluster_project.tags()) == [cluster_project.revision]


def test_a_bad_commit_makes_the_job_red_with_the_reason(run_job: RunJob, project: Project) -> None:
    broken = project.file("hello.py").replace("Hello, {name}!", "Goodbye, {name}!")
    project.change({"hello.py": broken})
    job = run_job(project)
    assert job.status == 1, job.log
    title = f"{project.app} {project.revision[:7]} → staging"
    for words in (f"✗ {title}: Failed", "The unit layer is red: tests/test_hello.py::", "remedy: "):
        assert words in job.log
    assert f"# {title}: failed" in job.page
    assert "The unit layer is red" in job.page
    assert "failed" in {test.outcome for test in parse_junit(job.junit, "junit.xml")}
    assert project.tags() == {}
