"""The command `shipway`: what it knows, by name."""

from __future__ import annotations

import sys

from cyclopts import App

from shipway.errors import ShipwayError

UNKNOWN = 2

# Each is imported only when it is called: its first line is said here once more, for --help.
COMMANDS = {
    "shipway.cli.init:init": "Write the files that an app's first release needs.",
    "shipway.cli.releases:release": "Release one revision of an app to one environment.",
    "shipway.cli.releases:release_services": "Release the services of a repository that changed.",
    "shipway.cli.releases:promote": "Take what has proven itself to the next environment.",
    "shipway.cli.releases:rollback": "Go back to an earlier release.",
    "shipway.cli.releases:clear_hold": "Let an image that was rolled back be released again.",
    "shipway.cli.releases:decommission": "Remove an app from an environment.",
    "shipway.cli.plan:plan": "Say what a release or a promotion would do, and change nothing.",
    "shipway.cli.status:status": "Show which version of which app runs in which environment.",
    "shipway.cli.why:why": "Say why this version runs here.",
    "shipway.cli.history:history": "Show what changed in an environment, newest first.",
    "shipway.cli.one_run:watch": "Show each stage of a run, and end as it does.",
    "shipway.cli.one_run:logs": "Print what a run and its subflows have logged.",
    "shipway.cli.one_run:cancel": "Cancel a run; what it has in hand is removed.",
    "shipway.cli.webhooks:webhooks": "Receive webhooks; each has new tags and branches looked for.",
    "shipway.cli.metrics:metrics": "Serve metrics of releases to Prometheus.",
    "shipway.cli.sandbox:up": "Start what is missing of the sandbox.",
    "shipway.cli.sandbox:down": "End the sandbox, and leave the machine as it was.",
    "shipway.cli.check:check": "Check each pipeline.yaml, each app's folder, and each freeze.yaml.",
}

app = App(name="shipway", help="One Git commit to a running service.", version_flags=())
for _where, _help in COMMANDS.items():
    app.command(_where, name=_where.partition(":")[2].replace("_", "-"), help=_help)
app.register_install_completion_command(
    help="Have your shell complete commands, apps and environments."
)


def main() -> None:
    """Do what the words of the command line ask for; exit with 2 where that cannot be tried."""
    try:
        sys.exit(app())
    except ShipwayError as error:
        print(f"✗ {error}", file=sys.stderr)
        sys.exit(UNKNOWN)
