"""Where the ledger is kept."""

from __future__ import annotations

from prefect.blocks.core import Block

from blocks import logo
from shipway.ledger import ledger


class Ledger(ledger.Ledger, Block):
    """What each test did before: durations, failures, flakes, and layers that were green."""

    _block_type_name = "Ledger"
    _block_type_slug = "ledger"
    _description = (
        "What each test did before: durations, failures, green layers; name the block default."
    )
    _logo_url = logo("sqlalchemy")
