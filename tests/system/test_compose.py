"""Shipway by Docker Compose, as docs/compose.md says: secrets, start, a run, and a restore."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kubectl import shell_with_kubectl
from tests.support.pages import paste, pasted
from tests.support.production import build_image
from tests.support.project import HOME, bring_up

# The images of the others cannot be pulled everywhere; contract tests look at what is said of them.
STARTED = "worker webhooks services backup"
PSQL = (
    "docker compose exec backup sh -c"
    """ 'PGPASSWORD=$(cat /run/secrets/POSTGRES_PASSWORD) psql --dbname prefect --command "$0"'"""
)
# The dump of the ledger is the second one of a pair.
LEDGERS = "docker compose exec backup sh -c 'ls /backups/ledger-*.dump' | wc -l"


@pytest.fixture
def shell(sandbox: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of a shell whose `docker compose` has the images that the sandbox makes."""
    bring_up("Compose", "--cluster", "none", "--compose")
    shell = {
        **shell_with_kubectl(sandbox, tmp_path),
        "SHIPWAY_IMAGE": "shipway/compose:test",
        "REDIS_IMAGE": "shipway/redis:test",
        "POSTGRES_IMAGE": "shipway/postgres:test",
    }
    base = f"BASE={sandbox['SHIPWAY_PYTHON_IMAGE']}"
    build_image(shell, shell["SHIPWAY_IMAGE"], sandbox["SHIPWAY_PYTHON_IMAGE"])
    for name in ("redis", "postgres"):
        image = shell[f"{name.upper()}_IMAGE"]
        run(f"docker build --build-arg {base} --tag {image} docker/images/{name}", shell, HOME)
    shutil.copytree(HOME / "docker" / "compose", tmp_path, dirs_exist_ok=True)
    shutil.copy(tmp_path / "example.env", tmp_path / ".env")
    try:
        yield shell
    finally:
        run("docker compose down --volumes --timeout 1", shell, tmp_path)


def run(text: str, shell: dict[str, str], folder: Path, names: dict[str, str] | None = None) -> str:
    done = paste(text, names or {}, shell, folder)
    assert done.returncode == 0, f"{text}{done.stdout}{done.stderr}"
    return done.stdout


def test_a_run_completes_and_is_known_after_a_restore(
    shell: dict[str, str], tmp_path: Path
) -> None:
    (make_secrets,) = pasted("docs/compose.md", "Secrets")
    start, one_run = pasted("docs/compose.md", "Start and upgrade")
    copy, restore = pasted("docs/compose.md", "Backup")
    only = {"--wait": f"--wait {STARTED}"}
    run(make_secrets, shell, tmp_path)
    assert (tmp_path / "secrets").stat().st_mode & 0o077 == 0
    run(start, shell, tmp_path, only)
    told = run(one_run, shell, tmp_path)
    assert "finished successfully in 'Completed'" in told

    run(f"{PSQL} 'create table written_before ()'", shell, tmp_path)
    run("docker compose restart --timeout 1 backup", shell, tmp_path)
    run(f"until test $({LEDGERS}) = 2; do sleep 1; done", shell, tmp_path)
    run(copy, shell, tmp_path)
    dumps = [dump for dump in (tmp_path / "backups").iterdir() if dump.stat().st_size]
    kinds = sorted(dump.name.partition("-")[0] for dump in dumps)
    assert kinds == ["ledger", "ledger", "prefect", "prefect"]
    run(f"{PSQL} 'create table written_after ()'", shell, tmp_path)

    run(restore, shell, tmp_path, {"--wait\n": f"--wait {STARTED}\n"})
    tables = run(f"{PSQL} '\\dt written_*'", shell, tmp_path)
    assert "written_before" in tables
    assert "written_after" not in tables
    assert "finished successfully in 'Completed'" in run(one_run, shell, tmp_path)
