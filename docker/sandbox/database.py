"""The Prefect server's database: a private PostgreSQL, else SQLite.

On SQLite, the server answers 503 while another task run is written, and each subflow costs about
two seconds of back-off; PostgreSQL has none of this.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

import processes
from packages import need
from state import ID, STATE, Unavailable, forget, fresh_port, port, remember, secret

NAME = "postgres"
_ELSEWHERE = Path("/var/tmp") / f"shipway-{ID}-postgres"


def up() -> str:
    """Have a database; return what Prefect needs to connect to it."""
    try:
        programs = _programs()
    except Unavailable as reason:
        print(f"  SQLite instead of PostgreSQL, each subflow takes 2 s longer: {reason}")
        return remember("database", f"sqlite+aiosqlite:///{STATE / 'prefect.db'}")
    if processes.pid_of(NAME) is None:
        user = _user()
        data = _data_folder(user)
        if not (data / "PG_VERSION").exists():
            _initialise(programs, data, user)
            forget("deployed")
        fresh_port("database")
        # Runs are history, not records to keep through a power cut: speed before durability.
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port("database"),
            "unix_socket_directories": "",
            "fsync": "off",
            # As many as the pools of four servers of Prefect may ask for.
            "max_connections": 400,
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        # A killed server leaves its pid file; the pid may be another process by now.
        (data / "postmaster.pid").unlink(missing_ok=True)
        command = [str(programs / "postgres"), "-D", str(data), *options]
        processes.start(NAME, command, user=user, cwd=data)
    check = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port("database"))]
    processes.wait_until(lambda: subprocess.run(check, check=False).returncode == 0, NAME)
    return remember("database", url("postgres"))


def url(name: str) -> str:
    """What Prefect needs to connect to one of the PostgreSQL's databases."""
    where = f"127.0.0.1:{port('database')}/{name}"
    return f"postgresql+asyncpg://prefect:{secret('database_password')}@{where}"


def create(name: str) -> None:
    """Have one more database in the PostgreSQL.

    Raises:
        Unavailable: The sandbox has no PostgreSQL, or it refuses.
    """
    command = [str(_programs() / "createdb"), "-h", "127.0.0.1", "-p", str(port("database"))]
    env = {**os.environ, "PGPASSWORD": secret("database_password")}
    command += ["-U", "prefect", name]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0 and "already exists" not in done.stderr:
        raise Unavailable(f"createdb failed: {done.stderr.strip()}")


def remove() -> None:
    """Remove the database's files, wherever they are."""
    for folder in (STATE / "postgres", _ELSEWHERE):
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path:
    for _ in range(2):
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if programs:
            return programs[-1].parent
        on_path = shutil.which("initdb")
        if on_path:
            return Path(on_path).resolve().parent
        need({"postgresql": "/usr/lib/postgresql"}, "the database")
    raise Unavailable("no postgres program")


def _user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _data_folder(user: str | None) -> Path:
    """In the state folder, or, where that user may not pass its parents, below /var/tmp."""
    folder = STATE / "postgres"
    if user is not None and any(not folder.stat().st_mode & 0o001 for folder in STATE.parents):
        folder = _ELSEWHERE
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    if user is not None:
        shutil.chown(folder, user)
    return folder


def _initialise(programs: Path, data: Path, user: str | None) -> None:
    password = data.with_suffix(".password")
    password.touch(mode=0o600)
    password.write_text(secret("database_password"))
    options: dict[str, Any] = {}
    if user is not None:
        shutil.chown(password, user)
        group = pwd.getpwnam(user).pw_gid
        options = {"user": user, "group": group, "extra_groups": []}
    command = [str(programs / "initdb"), "-D", str(data), "-U", "prefect", "-A", "scram-sha-256"]
    command += ["-E", "UTF8", "--no-sync", f"--pwfile={password}"]
    done = subprocess.run(command, cwd=data, capture_output=True, text=True, check=False, **options)
    password.unlink()
    if done.returncode != 0:
        raise Unavailable(f"initdb failed: {done.stderr.strip()}")
