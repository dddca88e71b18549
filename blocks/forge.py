"""Where changes to a protected branch are asked for."""

from __future__ import annotations

from prefect.blocks.core import Block

from blocks import documentation, logo
from shipway.forges import forge


class Forge(forge.Forge, Block):
    """A project on a forge whose branch takes pull requests only."""

    _block_type_name = "Forge"
    _block_type_slug = "forge"
    _description = "A GitHub, GitLab or Gitea project whose branch takes pull requests only."
    _logo_url = logo("github")
    _documentation_url = documentation("forge")
