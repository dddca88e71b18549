"""Deployments that prefect.yaml has no more are removed; `prefect deploy` would leave them.

Which ones it had stands in a variable of the server that nothing else writes. What others deploy is
not in it, be it of Shipway's flows, and stays.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import yaml
from prefect import get_client
from prefect.exceptions import ObjectNotFound
from prefect.flows import load_flow_from_entrypoint
from prefect.variables import Variable
from pydantic import BaseModel, Field, TypeAdapter

from shipway.errors import RefuseError

PREFECT_YAML = Path(__file__).parents[1] / "prefect.yaml"


class Entry(BaseModel, frozen=True):
    """A deployment, as far as its name on the server follows from it."""

    name: str
    entrypoint: str


class PrefectYaml(BaseModel, frozen=True):
    """What prefect.yaml says of itself, and its deployments."""

    name: str
    deployments: list[Entry] = Field(min_length=1)


async def remove_deployments(file: Path = PREFECT_YAML) -> list[str]:
    """Remove what this file had when this was called before, and has no more; return the names.

    The runs of a removed deployment stay, but for those that have not begun.

    Raises:
        RefuseError: The file cannot be read, or a flow of it; nothing is removed.
    """
    variable, names = declared(file)
    removed = list[str]()
    async with get_client() as client:
        for name in await _had(variable):
            if name in names:
                continue
            with suppress(ObjectNotFound):
                deployment = await client.read_deployment_by_name(name)
                await client.delete_deployment(deployment.id)
                removed.append(name)
    await Variable.aset(variable, names, overwrite=True)
    return removed


async def _had(variable: str) -> list[str]:
    return TypeAdapter(list[str]).validate_python(await Variable.aget(variable, default=[]))


def declared(file: Path) -> tuple[str, list[str]]:
    """The variable of a prefect.yaml, and the names that its deployments have on the server.

    Raises:
        RefuseError: The file cannot be read, or a flow of it.
    """
    try:
        read = PrefectYaml.model_validate(yaml.safe_load(file.read_bytes()))
        names = [
            f"{load_flow_from_entrypoint(entry.entrypoint).name}/{entry.name}"
            for entry in read.deployments
        ]
    # Importing a flow may raise anything.
    except Exception as error:
        raise RefuseError(
            "It is not known which deployments there should be.",
            where=str(file),
            got=f"{type(error).__name__}: {error}",
            untouched="all deployments: none is removed",
            remedy="correct the file, and run `python -m deployments.bootstrap` again",
        ) from error
    return f"{read.name}_deployments", names
