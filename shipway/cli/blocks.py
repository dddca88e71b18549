"""What the command needs of Prefect's blocks, read over HTTP."""

from __future__ import annotations

from typing import Any

from shipway import commands
from shipway.cli.prefect_server import PrefectServer
from shipway.errors import RefuseError
from shipway.git.ops_repository import OpsRepository


def ops_repository(server: PrefectServer) -> OpsRepository:
    """The ops repository that releases go to, to be read.

    Raises:
        RefuseError: There is no such block.
        RetryError: The server does not answer.
    """
    known = read_block(server, "ops-repository")
    # What only a commit needs is left out.
    fields = OpsRepository.model_fields.keys() - {"review", "signing", "signing_key"}
    return OpsRepository.model_validate({key: known[key] for key in fields & known.keys()})


def read_block(server: PrefectServer, kind: str) -> dict[str, Any]:
    """What the block `default` of a kind says, secrets too.

    Raises:
        RefuseError: There is no such block.
        RetryError: The server does not answer.
    """
    path = f"block_types/slug/{kind}/block_documents/name/default?include_secrets=true"
    found = server.get(path)
    if found is None:
        raise RefuseError(
            f"The Prefect server has no block {kind}/default.",
            where=server.ui,
            remedy=commands.make_block(kind, "default"),
        )
    return found["data"]
