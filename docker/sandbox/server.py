"""The Prefect server; Shipway's blocks and deployments there, its worker, and what calls it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import certificates
import processes
from state import HOME, LOGS, STATE, Unavailable, fresh_port, port, read, remember, secret

NAME = "prefect-server"
WORKER = "prefect-worker"
RECEIVER = "webhooks"
POOL = "shipway"
_TYPE = "warm-process"
PREFECT = str(Path(sys.executable).with_name("prefect"))
# What every server of the sandbox is told, be it one or two.
SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    # The second UI's form writes asterisks over the secrets of a block in a block.
    "PREFECT_SERVER_UI_V2_ENABLED": "false",
    # Each round, the server asks anew about every run that was cancelled in the last day
    # (PrefectHQ/prefect#15231), and each red release leaves two: every 20 s, that is a quarter of a
    # core after 500 of them.
    "PREFECT_SERVER_SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS": "300",
    # A request holds one connection while it waits for another: with few of them and many runs, all
    # wait for each other, and the server answers 500 after half a minute.
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE": "30",
    "PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW": "50",
}


def up(database: str) -> None:
    """Start the server."""
    certificates.make_nobody()
    if processes.pid_of(NAME) is None:
        fresh_port("prefect")
        # The server's address is in their environment.
        processes.stop(WORKER)
        processes.stop(RECEIVER)
        env = {
            **settings(),
            **SETTINGS,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
            # In memory, as is Prefect's default, a server that is killed forgets whose the slots of
            # deployments are, and those of runs that died with it are never given back.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
                "prefect.server.concurrency.lease_storage.filesystem"
            ),
            # One statement for each event of a task takes a busy server longer than events take to
            # come, and tasks are seen minutes late. What is told in memory is lost with the server,
            # written one by one or not.
            "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "20",
            "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
        }
        arguments = ["server", "start", "--host", "127.0.0.1", "--port", str(port("prefect"))]
        processes.start(NAME, [PREFECT, *arguments], env=env)
    processes.wait_until(answers, NAME, 120)


def settings() -> dict[str, str]:
    """What a Prefect client needs, apart from the user's own profiles."""
    return {
        "PREFECT_HOME": str(STATE / "prefect"),
        "PREFECT_API_URL": f"{address()}/api",
        "PREFECT_PROFILES_PATH": str(STATE / "prefect" / "profiles.toml"),
        # A server whose database is away answers 500, which a client takes for the last word.
        "PREFECT_CLIENT_RETRY_EXTRA_CODES": "500",
        # Each client would ask the server for a token first, and hear that it gives out none.
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        # Each client reads whom it trusts, for plain HTTP too: the web's authorities take 50 ms.
        "PREFECT_API_SSL_CERT_FILE": str(certificates.NOBODY),
        "DO_NOT_TRACK": "1",
    }


def address() -> str:
    """Where the UI is."""
    return f"http://127.0.0.1:{port('prefect')}"


def answers() -> bool:
    """Whether the server is healthy."""
    return processes.serves(f"{address()}/api/health")


def deploy(env: dict[str, str], mark: str = "deployed") -> bool:
    """Register blocks and deployments, unless nothing they depend on has changed since the mark."""
    files = [
        HOME / "prefect.yaml",
        *sorted(HOME.glob("shipway/**/*.py")),
        *sorted(HOME.glob("flows/**/*.py")),
        *sorted(HOME.glob("blocks/**/*.py")),
        *sorted(HOME.glob("deployments/**/*.py")),
        *sorted(HOME.glob("deployments/automations/*.yaml")),
    ]
    digest = hashlib.sha256(repr(sorted(env.items())).encode())
    for file in files:
        digest.update(file.read_bytes())
    if read().get(mark) == digest.hexdigest():
        return False
    pool = ["work-pool", "create", POOL, "--type", _TYPE, "--overwrite"]
    for command in (
        [PREFECT, "--no-prompt", *pool],
        [PREFECT, "--no-prompt", "deploy", "--all"],
        [sys.executable, "-m", "deployments.bootstrap"],
    ):
        with (LOGS / "deploy.log").open("ab") as log:
            done = subprocess.run(
                command, cwd=HOME, env={**os.environ, **env}, stdout=log, stderr=log, check=False
            )
        if done.returncode != 0:
            what = " ".join(command[1:])
            raise Unavailable(f"`{what}` failed; the end of its log:\n{processes.tail('deploy')}")
    remember(mark, digest.hexdigest())
    return True


def start_worker(env: dict[str, str]) -> None:
    """Start the worker that runs flow runs as processes."""
    if processes.pid_of(WORKER) is not None:
        return
    command = [PREFECT, "worker", "start", "--pool", POOL, "--type", _TYPE, "--name", POOL]
    # It is told of a run that is due at once; it has to look for one that is due later.
    polling = {"PREFECT_WORKER_QUERY_SECONDS": "1"}
    processes.start(WORKER, command, env={**env, **polling}, cwd=HOME)


def start_receiver(env: dict[str, str]) -> None:
    """Start the receiver of webhooks."""
    if processes.pid_of(RECEIVER) is None:
        listen = ["--port", str(fresh_port(RECEIVER))]
        command = [sys.executable, "-m", "shipway.cli", "webhooks", *listen]
        processes.start(RECEIVER, command, env=env, cwd=HOME)
    processes.wait_until(lambda: processes.serves(f"{receiver()}/health"), RECEIVER)


def receiver() -> str:
    """Where webhooks are received."""
    return f"http://127.0.0.1:{port(RECEIVER)}"


def webhook_secrets() -> dict[str, str]:
    """What deliveries are signed with."""
    return {"SHIPWAY_WEBHOOK_SECRET_GITEA": secret("webhook_secret")}
