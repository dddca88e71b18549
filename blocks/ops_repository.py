"""Where the desired state of every environment is: the Git repository that the cluster mirrors."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field

from blocks import logo
from blocks.forge import Forge
from shipway.git import ops_repository


class OpsRepository(ops_repository.OpsRepository, Block):
    """The Git repository that holds the manifests of every environment."""

    _block_type_name = "Ops Repository"
    _block_type_slug = "ops-repository"
    _description = "The Git repository with each environment's manifests; name the block default."
    _logo_url = logo("github")

    # A block in a block has to be one, to be chosen in the Prefect UI.
    review: Forge | None = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        default=None,
        description="For a protected branch: open a pull request there, and wait for its merge.",
    )
