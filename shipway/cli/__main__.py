"""`python -m shipway.cli` does what `shipway` does."""

from __future__ import annotations

from shipway.cli.main import main

main()
