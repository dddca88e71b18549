"""How long what Shipway makes is kept."""

from __future__ import annotations

from prefect.blocks.core import Block

from blocks import logo
from shipway.retention import policy


class Retention(policy.Retention, Block):
    """How much is kept of what Shipway makes, and for how long."""

    _block_type_name = "Retention"
    _block_type_slug = "retention"
    _description = "How long images, runs, rows and copies are kept; name the block default."
    _logo_url = logo("filesystem")
