"""Tests that fail now and then, as a page: rates, and proof."""

from __future__ import annotations

from collections.abc import Sequence

from shipway.ledger.session import Proof, Record
from shipway.pytest_plugin.shipway_names import display_name
from shipway.reports.markdown import escape, fenced, table

MOST_PROOFS = 10


def render_flakes(app: str, records: Sequence[Record], proofs: Sequence[Proof]) -> str:
    """Tests that failed, the worst first; then logs of revisions that both passed and failed."""
    if not records:
        return f"# Flakes of {app}\n\nNo test has failed yet."
    rows = [
        (
            f"{100 * record.failures / record.runs:.0f} %",
            f"{record.failures} of {record.runs}",
            str(record.flakes),
            escape(record.layer),
            escape(display_name(record.name)),
            f"{record.last_failed:%Y-%m-%d %H:%M}" if record.last_failed else "",
            f"`{record.revision[:7]}`",
        )
        for record in records
    ]
    head = ("Rate", "Failed", "Flaky runs", "Layer", "Test", "Last failed", "Last revision")
    parts = [f"# Flakes of {app}", table(head, rows)]
    if proofs:
        parts.append("## Proof: the same revision passed and failed")
    for proof in proofs[:MOST_PROOFS]:
        parts += [
            f"**{escape(display_name(proof.name))}** ({escape(proof.layer)}) "
            f"at `{proof.revision[:7]}`",
            f"Failed:\n\n{fenced(proof.failed_log.strip() or '(no output)')}",
            f"Passed:\n\n{fenced(proof.passed_log.strip() or '(no output)')}",
        ]
    return "\n\n".join(parts)
