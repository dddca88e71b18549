"""What the parts hold at a moment: on disk, in rows, and in memory."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from docker import DockerClient
from sqlalchemy import create_engine, func, select, table
from sqlalchemy.ext.asyncio import create_async_engine

from bench.common.apps import App
from bench.common.memory import forks_of, mebibytes
from shipway.ledger.tables import METADATA
from shipway.workspace import workspace

MEBI = 2**20
_TABLES = ("flow_run", "task_run", "log", "artifact", "events")


async def left(client: DockerClient, apps: list[App]) -> dict[str, float]:
    """What there is of each thing, by its name and unit; no release may go on."""
    return {
        **_on_engine(client),
        **_in_registry(apps),
        **await _in_prefect(),
        **_of_worker(),
        **_in_memory(),
    }


def _on_engine(client: DockerClient) -> dict[str, float]:
    used = cast("Mapping[str, Any]", client.df())
    cache = sum(item["Size"] for item in used.get("BuildCache") or [])
    return {
        "Images on the engine": len(client.images.list(all=True)),
        "Their layers, MiB": used["LayersSize"] / MEBI,
        "The engine's build cache, MiB": cache / MEBI,
        "Containers": len(client.containers.list(all=True)),
        "Networks": len(client.networks.list()),
        "Volumes": len(client.volumes.list()),
    }


def _in_registry(apps: list[App]) -> dict[str, float]:
    command = ["docker-registry", "garbage-collect", str(_sandbox("registry.yml"))]
    subprocess.run(command, check=True, capture_output=True)
    files = _sandbox("registry")
    tags = [tag for app in apps for tag in files.glob(f"**/{app.name}/_manifests/tags/*")]
    return {"Tags in the registry": len(tags), "The registry, MiB": _size(files) / MEBI}


async def _in_prefect() -> dict[str, float]:
    engine = create_async_engine(json.loads(_sandbox("sandbox.json").read_text())["database"])
    counts = {f"Rows of {name}": select(func.count()).select_from(table(name)) for name in _TABLES}
    size = select(func.pg_database_size(func.current_database()))
    async with engine.connect() as connection:
        rows = {name: (await connection.execute(of)).scalar_one() for name, of in counts.items()}
        database = (await connection.execute(size)).scalar_one()
    await engine.dispose()
    return {**rows, "Prefect's database, MiB": database / MEBI}


def _of_worker() -> dict[str, float]:
    ledger = workspace() / "ledger.sqlite"
    with create_engine(f"sqlite:///{ledger}").connect() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in METADATA.sorted_tables
        ]
    size = ledger.stat().st_size
    return {
        "Rows of the ledger": sum(counts),
        "The ledger, MiB": size / MEBI,
        "Copies of repositories, MiB": (_size(workspace()) - size) / MEBI,
    }


def _in_memory() -> dict[str, float]:
    server, worker = _daemon("prefect-server"), _daemon("prefect-worker")
    return {
        "Memory of the Prefect server, MiB": mebibytes(server),
        "Memory of the worker, MiB": mebibytes(worker),
        "Memory of what it forks from, MiB": sum(map(mebibytes, forks_of([worker]))),
        "Open files of the server": _open_files(server),
        "Open files of the worker": _open_files(worker),
    }


def _daemon(name: str) -> int:
    return json.loads(_sandbox("run", name).read_text())["pid"]


def _open_files(process: int) -> int:
    return len(list(Path(f"/proc/{process}/fd").iterdir()))


def _sandbox(*parts: str) -> Path:
    return Path(os.environ["SHIPWAY_STATE"], *parts)


def _size(folder: Path) -> int:
    command = ["du", "--summarize", "--block-size=1", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout.split()[0])
