"""An app's manifests as the cluster gets them, rendered by the commands that people have set up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from blocks.ops_repository import OpsRepository
from blocks.renderer import Renderer
from flows.runtime.load_block import load_block
from shipway.git.ops_folder import OpsFolder
from shipway.rollout.render import Manifests, manifests_of
from shipway.rollout.target import Target


async def load_manifests(
    ops: OpsRepository,
    target: Target,
    folder: OpsFolder,
    changes: Mapping[str, bytes] | None = None,
) -> Manifests:
    """What the cluster gets of a folder: see `manifests_of`."""
    return await manifests_of(ops, partial(load_block, Renderer), target, folder, changes)
