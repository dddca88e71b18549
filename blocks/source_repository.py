"""Where an app's code is."""

from __future__ import annotations

from prefect.blocks.core import Block
from pydantic import Field

from blocks import logo
from blocks.forge import Forge
from shipway.git import source_repository


class SourceRepository(source_repository.SourceRepository, Block):
    """The Git repository that holds an app's code and its pipeline.yaml.

    One block an app, named like the app; several apps of one repository differ in `folder`.
    """

    _block_type_name = "Source Repository"
    _block_type_slug = "source-repository"
    _description = (
        "The Git repository with an app's code and pipeline.yaml; name the block like the app."
    )
    _logo_url = logo("github")

    # A block in a block has to be one, to be chosen in the Prefect UI.
    forge: Forge | None = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        default=None, description=source_repository.FORGE
    )
