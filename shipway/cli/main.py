"""The command `shipway`: what it knows, by name."""

from __future__ import annotations

from cyclopts import App

app = App(name="shipway", help="One Git commit to a running service.", version_flags=())
# Imported only when it is called.
app.command("shipway.cli.check:check")
