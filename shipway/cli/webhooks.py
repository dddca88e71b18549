"""`shipway webhooks`: a service that has new tags and branches looked for when a forge calls."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from functools import partial
from typing import Annotated

import uvicorn
from cyclopts import Parameter
from pydantic import SecretStr

from shipway.cli import runs
from shipway.cli.prefect_server import PrefectServer, connect
from shipway.errors import RefuseError
from shipway.webhooks.proofs import PROOFS
from shipway.webhooks.receiver import receiver

FLOW = "release-new"
_SECRET = "SHIPWAY_WEBHOOK_SECRET_"  # noqa: S105  (what the variables begin with)


def webhooks(
    *,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Port to listen on.")] = 4201,
) -> int:
    """Receive webhooks; each has new tags and branches looked for.

    It goes on until it is told to end. The secrets that the forges sign with are
    those of SHIPWAY_WEBHOOK_SECRET_GITHUB, SHIPWAY_WEBHOOK_SECRET_GITLAB and
    SHIPWAY_WEBHOOK_SECRET_GITEA; a forge without one is refused.
    """
    secrets, server = secrets_in(os.environ), connect()
    for forge in secrets:
        print(f"{forge}: http://{host}:{port}/webhooks/{forge}", flush=True)
    uvicorn.run(receiver(secrets, partial(look, server)), host=host, port=port, server_header=False)
    return 0


async def look(server: PrefectServer) -> bool:
    """Run `release-new` to its end; whether it looked, and was not cancelled for another run."""
    run = await asyncio.to_thread(runs.start, server, FLOW, {})
    while not run.is_over:
        await asyncio.sleep(runs.LOOK_SECONDS)
        run = await asyncio.to_thread(runs.find, server, run.id)
    return run.kind != "CANCELLED"


def secrets_in(env: Mapping[str, str]) -> dict[str, SecretStr]:
    """The secret of each forge that has one.

    Raises:
        RefuseError: None has, or one is no secret that the forge could have.
    """
    given = {forge: env.get(f"{_SECRET}{forge.upper()}") for forge in PROOFS}
    secrets = {forge: SecretStr(secret) for forge, secret in given.items() if secret}
    if not secrets:
        raise RefuseError(
            "No forge has a secret, so that anybody could call.",
            where="the environment",
            expected=" or ".join(f"{_SECRET}{forge.upper()}" for forge in PROOFS),
            remedy=f"export {_SECRET}GITHUB=$(openssl rand -hex 32)",
        )
    for forge, secret in secrets.items():
        try:
            PROOFS[forge](secret.get_secret_value(), {}, b"")
        except ValueError as error:
            raise RefuseError(
                "This is no signing token.",
                where=f"{_SECRET}{forge.upper()}",
                expected="whsec_ and a key in base64",
                got=str(error),
            ) from None
    return secrets
