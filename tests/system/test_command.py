"""The command `shipway`, against the real Prefect server and its worker."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prefect import get_client
from prefect.states import Scheduled
from tenacity import retry, retry_if_not_result, stop_after_delay, wait_fixed

from shipway.cli import runs
from shipway.cli.blocks import read_block
from shipway.cli.main import UNKNOWN
from shipway.cli.plan import REFUSED
from shipway.cli.prefect_server import connect
from shipway.errors import RefuseError
from tests.support.mistakes import tell
from tests.support.pages import paste, pasted
from tests.support.project import Project
from tests.support.remedies import commands_in

SHIPWAY = str(Path(sys.executable).with_name("shipway"))
MISSING = "00000000-0000-4000-8000-000000000000"


def shipway(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """What people type."""
    return subprocess.run(
        [SHIPWAY, *words], env=os.environ | env, capture_output=True, text=True, check=False
    )


def release(project: Project, *options: str) -> subprocess.CompletedProcess[str]:
    return shipway("release", project.app, project.revision, "--until", "commit", *options)


def id_in(done: subprocess.CompletedProcess[str]) -> str:
    """The run that was started, by the address that is told."""
    assert done.returncode == 0, done.stderr
    return done.stdout.rsplit("/", 1)[1].strip()


def test_a_release_is_watched_to_its_end(project: Project, tmp_path: Path) -> None:
    pipeline = project.file("pipeline.yaml")
    tests = "      command: [pytest, tests]\n"
    project.change(
        {"pipeline.yaml": pipeline.replace(tests, f"{tests}      budget_seconds: 0.01\n")}
    )
    (ci,) = pasted("docs/setup.md", "CI")
    env = os.environ | {"REVISION": project.revision}
    done = paste(f"{ci.rstrip()} --until commit", {"shop": project.app}, env, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{project.app} {project.revision[:7]}" in (tmp_path / "report.md").read_text()
    assert "<testsuite" in (tmp_path / "junit.xml").read_text()
    first, *stages, last = done.stdout.splitlines()
    warnings = [line for line in stages if line.startswith("  ! ")]
    assert [line for line in warnings if line.startswith("  ! The unit layer took ")] != []
    stages = [line for line in stages if line not in warnings]
    assert f"{os.environ['PREFECT_API_URL'].removesuffix('/api')}/runs/flow-run/" in first
    assert [line for line in stages if not line.startswith("  ✓ ")] == []
    assert [
        verb for verb in ("checkout", "build", "push", "commit") if verb not in done.stdout
    ] == []
    title, did = (
        f"{project.app} {project.revision[:7]} → staging",
        "2 tests passed, pushed, 1 commit",
    )
    assert last.startswith(f"✓ {title}: built, {did}, after ")
    again = release(project, "--watch").stdout.splitlines()[-1]
    assert again.startswith(f"✓ {title}: nothing to do, it was there already, after ")
    assert list(project.tags()) == [project.revision]


def test_a_red_release_says_why_and_exits_with_1(project: Project) -> None:
    project.change({"hello.py": project.file("hello.py").replace("Hello,", "Goodbye,")})
    done = release(project, "--watch")
    assert done.returncode == 1
    title, why, *facts = done.stderr.splitlines()
    assert title == f"✗ {project.app} {project.revision[:7]} → staging: Failed"
    assert why.startswith("The unit layer is red: tests/test_hello.py::")
    assert [fact for fact in facts if fact.startswith("  remedy: ")] != []
    assert project.tags() == {}


def test_a_program_gets_json_and_nothing_else(project: Project) -> None:
    done = release(project, "--watch", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert (said["state"], said["revision"]) == ("Completed", project.revision)
    assert said["image"].endswith(project.tags()[project.revision])


def test_a_run_is_started_and_then_watched_cancelled_and_its_log_read(project: Project) -> None:
    started = release(project)
    run = id_in(started)
    assert shipway("watch", run).returncode == 0
    log = shipway("logs", run, "--follow")
    assert log.returncode == 0
    assert f"[push {project.app} {project.revision[:7]}] " in log.stdout
    over = shipway("cancel", started.stdout)
    assert (over.returncode, "is over: Completed" in over.stderr) == (1, True)


def test_a_release_is_led_back_and_its_hold_cleared(project: Project) -> None:
    assert release(project, "--watch").returncode == 0
    bad = project.change({"README": "bad"})
    assert release(project, "--watch").returncode == 0
    rollback, clear_hold = pasted("docs/gitops.md", "Rollback and holds")
    names = {"shop": project.app, "production": "staging", "3f2c1ab": bad[:7]}
    back = paste(f"{rollback.rstrip()} --by Ada --until commit", names, os.environ)
    assert back.returncode == 0, back.stdout + back.stderr
    (held,) = json.loads(shipway("status", project.app, "--json").stdout)
    assert (held["held"], held["by"]) == ([bad], "Ada")
    refused = release(project, "--watch")
    assert (refused.returncode, "5xx since 14:02" in refused.stderr) == (1, True)
    # The page's command, with its own reason.
    remedy = f"shipway clear-hold {project.app} staging {bad[:12]} --reason mended"
    assert commands_in(refused.stderr) == [remedy]
    cleared = paste(f"{clear_hold.rstrip()} --watch", names, os.environ)
    assert cleared.returncode == 0, cleared.stdout + cleared.stderr
    (free,) = json.loads(shipway("status", project.app, "--json").stdout)
    assert free["held"] == []


def test_an_app_is_decommissioned_once_and_comes_back(project: Project) -> None:
    assert release(project, "--watch").returncode == 0
    (lines,) = pasted("docs/gitops.md", "Removed apps")
    plan, remove = lines.splitlines()
    names = {"shop": project.app}
    log = project.ops_log()
    planned = paste(plan, names, os.environ)
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.startswith(f"# {project.app} leaves staging\n")
    assert "Shipway deletes nothing here" in planned.stdout
    assert project.ops_log() == log
    for words in ("removed: ", "removed already: "):
        done = paste(remove, names, os.environ)
        assert done.returncode == 0, done.stderr
        assert f"✓ {project.app} leaves staging: {words}" in done.stdout
    assert len(project.ops_log()) == len(log) + 1
    (gone, *_) = json.loads(shipway("history", "staging", project.app, "--json").stdout)
    assert (gone["kind"], gone["reason"]) == ("removal", "replaced by the store")
    assert shipway("status", project.app, "--json").stdout == "[]\n"
    refused = release(project, "--watch")
    assert (refused.returncode, "does not know" in refused.stderr) == (1, True)
    project.revert_ops(project.ops_log()[0])
    (back,) = json.loads(shipway("status", project.app, "--json").stdout)
    assert back["revision"] == project.revision
    busy = paste(f"{plan} --json", names, os.environ)
    assert (busy.returncode, json.loads(busy.stdout)["refusal"]) == (0, "")


def test_a_plan_is_a_page_or_json_and_its_exit_status_says_whether_it_is_refused(
    project: Project, tmp_path: Path
) -> None:
    plan, of_promotion = pasted("docs/reference/command.md", "shipway plan")
    names = {"shop": project.app, "production": "staging"}
    done = paste(plan, names, os.environ | {"REVISION": project.revision}, tmp_path)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "plan.md").read_text()
    assert page.startswith(f"# plan {project.app} {project.revision[:7]} → staging\n")
    assert "\n```diff\ndiff --git a/staging/" in page
    assert "✓ checkout" in done.stderr
    assert project.tags() == {}
    promotion = paste(of_promotion, names, os.environ)
    assert promotion.returncode == REFUSED, promotion.stderr
    assert f"'staging' takes no promotion of '{project.app}'." in promotion.stdout

    project.remove_from_ops("rollout.yaml")
    refused = shipway("plan", project.app, project.revision, "--json")
    assert (refused.returncode, refused.stderr) == (REFUSED, "")
    said = json.loads(refused.stdout)
    assert (said["state"], said["outcome"]) == ("Completed", "refused")
    assert "does not know" in said["refusal"]
    impossible = shipway("plan", project.app.upper())
    assert (impossible.returncode, "is no name" in impossible.stderr) == (1, True)


def test_a_promotion_that_is_refused_says_why(project: Project) -> None:
    done = shipway("promote", project.app, "staging", "--watch")
    assert done.returncode == 1
    assert f"'staging' takes no promotion of '{project.app}'." in done.stderr


def test_what_runs_where_is_shown_before_and_after_a_release(project: Project) -> None:
    before = shipway("status", project.app)
    assert (before.returncode, before.stderr) == (0, "")
    assert row(before) == [project.app, "staging", "unknown", "not", "released", "yet"]
    started = release(project, "--watch")
    after_run = started.stdout.splitlines()[0].rpartition("/")[2]
    assert started.returncode == 0
    after = shipway("status", project.app, "--environment", "staging")
    assert row(after)[:3] == [project.app, "staging", project.revision[:7]]
    assert "released" in row(after)
    (said,) = json.loads(shipway("status", project.app, "--json").stdout)
    assert said["revision"] == project.revision
    assert said["image"].endswith(project.tags()[project.revision])
    why = shipway("why", project.app, "staging").stdout.splitlines()
    assert why[0].startswith(f"{project.app} in staging runs {project.revision[:12]} ")
    assert f"  1/1 rolling  {project.ops_log()[0][:7]}" in why[2]
    assert f"/runs/flow-run/{after_run}" in why[-1]
    newest, *_ = shipway("history", "staging", project.app).stdout.splitlines()[1:]
    assert project.revision[:7] in newest
    (change,) = json.loads(shipway("history", "staging", project.app, "--json").stdout)
    assert (change["kind"], change["commit"]) == ("deployment", project.ops_log()[0])
    nowhere = shipway("status", project.app, "--environment", "production", "--json")
    assert json.loads(nowhere.stdout) == []


def row(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The words of the only line below the titles."""
    _, line = done.stdout.splitlines()
    return line.split()


def test_a_folder_that_cannot_be_read_is_named_and_the_exit_status_is_1(project: Project) -> None:
    project.change_ops({f"{project.folder}/rollout.yaml": "strategy: none\n"})
    done = shipway("status", project.app)
    assert done.returncode == 1
    assert f"{project.folder}/rollout.yaml" in done.stderr


def test_a_block_that_is_missing_is_named(sandbox: dict[str, str]) -> None:
    with pytest.raises(RefuseError, match="no block nothing/default"):
        read_block(connect(), "nothing")


def test_a_run_that_is_cancelled_ends_so_and_whoever_watches_it_hears_of_it(
    project: Project, tmp_path: Path
) -> None:
    slow = "import time\n\ndef test_slow():\n    time.sleep(60)\n"
    project.change({"tests/test_slow.py": slow})
    run = id_in(release(project))
    begun = retry(stop=stop_after_delay(60), wait=wait_fixed(0.2), retry=retry_if_not_result(bool))
    begun(runs.tasks_of)(connect(), [run])
    cancelled = shipway("cancel", run)
    assert (cancelled.returncode, "is being cancelled" in cancelled.stdout) == (0, True)
    report = tmp_path / "report.md"
    watched = shipway("watch", run, "--report", str(report))
    assert watched.returncode == 1
    title, *words = watched.stderr.splitlines()
    assert title.endswith(": Cancelled")
    assert words[0] == "This run was cancelled, by somebody or by the end of its worker."
    assert "\n".join(["```text", *words, "```"]) in report.read_text()
    assert project.tags() == {}


async def test_a_run_that_waits_for_its_time_is_cancelled_at_once(project: Project) -> None:
    later = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(hours=1))
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("release/release")
        run = await client.create_flow_run_from_deployment(
            deployment.id, parameters={"app": project.app}, state=later
        )
    assert shipway("cancel", str(run.id)).returncode == 0
    watched = shipway("watch", str(run.id))
    assert (watched.returncode, ": Cancelled" in watched.stderr) == (1, True)


@pytest.mark.parametrize("words", [("watch", MISSING), ("cancel", "nothing"), ("logs", MISSING)])
def test_a_run_that_is_not_there_is_said_to_be_none(
    sandbox: dict[str, str], words: tuple[str, str]
) -> None:
    done = shipway(*words)
    assert done.returncode == UNKNOWN
    assert "There is no such run." in done.stderr
    assert words[1] in done.stderr


def test_a_flow_without_a_deployment_is_refused(sandbox: dict[str, str]) -> None:
    with pytest.raises(RefuseError, match="no deployment nobody/nobody"):
        runs.start(connect(), "nobody", {})


def test_parameters_of_another_type_are_refused_with_the_servers_words(
    sandbox: dict[str, str],
) -> None:
    with pytest.raises(RefuseError) as caught:
        runs.start(connect(), "release", {"app": ["a", "b"]})
    assert "Validation failed for field 'app'" in str(caught.value)


@pytest.mark.mistake
def test_a_server_that_is_not_there_is_named(free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}/api"
    done = shipway("release", "shop", PREFECT_API_URL=url)
    assert done.returncode == UNKNOWN
    assert "The Prefect server does not answer." in done.stderr
    assert url in done.stderr
    tell("a Prefect server that is not there", done.stderr.removeprefix("✗ "))


class TestProfile:
    """Where Prefect's own settings are asked for the server."""

    @pytest.fixture
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.delenv("PREFECT_API_URL", raising=False)
        monkeypatch.delenv("PREFECT_PROFILE", raising=False)
        monkeypatch.delenv("PREFECT_PROFILES_PATH", raising=False)
        monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
        return tmp_path

    def test_the_active_profile_is_used(self, home: Path, sandbox: dict[str, str]) -> None:
        url = sandbox["PREFECT_API_URL"]
        (home / "profiles.toml").write_text(
            f'active = "ours"\n[profiles.ours]\nPREFECT_API_URL = "{url}"\n[profiles.other]\n'
        )
        done = shipway("watch", MISSING)
        assert "There is no such run." in done.stderr

    def test_without_a_server_it_is_said_what_to_set(self, home: Path) -> None:
        done = shipway("watch", MISSING)
        assert done.returncode == UNKNOWN
        assert "It is not known where the Prefect server is." in done.stderr
        assert str(home / "profiles.toml") in done.stderr

    def test_profiles_that_cannot_be_read_are_named(self, home: Path) -> None:
        (home / "profiles.toml").write_text("[")
        done = shipway("watch", MISSING)
        assert done.returncode == UNKNOWN
        assert str(home / "profiles.toml") in done.stderr


class TestLogin:
    """A server of the test's own, which asks for one."""

    LOGIN = "admin:correct horse"

    @pytest.fixture
    def url(self, tmp_path: Path) -> Iterator[str]:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = os.environ | {
            "PREFECT_HOME": str(tmp_path),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{tmp_path}/prefect.db",
            # Without its tables it starts in a third of the time, and fails once it lets one in.
            "PREFECT_SERVER_DATABASE_MIGRATE_ON_START": "false",
            "PREFECT_API_BLOCKS_REGISTER_ON_START": "false",
            "PREFECT_SERVER_API_AUTH_STRING": self.LOGIN,
        }
        prefect = str(Path(sys.executable).with_name("prefect"))
        command = [prefect, "server", "start", "--port", str(port), "--no-services"]
        with (tmp_path / "log").open("wb") as log:
            server = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}/api"
            answers = retry(stop=stop_after_delay(60), wait=wait_fixed(0.2))(httpx.get)
            assert answers(f"{url}/health").is_success
            yield url
        finally:
            server.terminate()
            server.wait(30)

    def test_whoever_has_it_is_let_in_and_nobody_else(self, url: str) -> None:
        known = shipway("watch", MISSING, PREFECT_API_URL=url, PREFECT_API_AUTH_STRING=self.LOGIN)
        assert known.returncode == UNKNOWN
        assert "The Prefect server fails." in known.stderr
        for login in ("", "admin:wrong"):
            done = shipway("watch", MISSING, PREFECT_API_URL=url, PREFECT_API_AUTH_STRING=login)
            assert done.returncode == UNKNOWN
            assert "The Prefect server refuses." in done.stderr
            assert "401" in done.stderr
            assert "PREFECT_API_AUTH_STRING" in done.stderr
            assert "wrong" not in done.stderr
