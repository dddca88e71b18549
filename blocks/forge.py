"""A project on a forge."""

from __future__ import annotations

from prefect.blocks.core import Block

from blocks import logo
from shipway.forges import forge


class Forge(forge.Forge, Block):
    """A project on a forge, as an ops repository or a source repository needs it."""

    _block_type_name = "Forge"
    _block_type_slug = "forge"
    _description = "A GitHub, GitLab or Gitea project: its pull requests and commit statuses."
    _logo_url = logo("github")
