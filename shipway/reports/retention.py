"""What became of what was old: a page, rows, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from shipway.errors import ShipwayError
from shipway.reports.markdown import escape, fenced, table
from shipway.retention.outcome import Item, Outcome

_UNITS = ("B", "kB", "MB", "GB", "TB")
_MOST = 200


def retention_page(
    outcomes: Sequence[Outcome], failed: Mapping[str, Exception], *, dry_run: bool
) -> str:
    """The Markdown page.

    Args:
        outcomes: What became of each kind.
        failed: The kinds that could not be looked at or removed, with the error.
        dry_run: Whether nothing was removed.
    """
    parts = [f"# Retention\n\n**{escape(retention_sentence(outcomes, dry_run=dry_run))}**"]
    parts += [f"## Failed: {kind}\n\n{fenced(str(error))}" for kind, error in failed.items()]
    parts += ["\n\n".join(_section(each, dry_run=dry_run)) for each in outcomes]
    return "\n\n".join(parts)


def retention_rows(outcomes: Sequence[Outcome], *, dry_run: bool) -> list[dict[str, object]]:
    """One row for each kind of thing, for programs."""
    return [
        {
            "kind": each.kind,
            "goes": each.count,
            "bytes": each.size,
            "removed": not dry_run and not each.hindered,
            "stays": sum(each.stays.values()),
            "hindered": each.hindered,
        }
        for each in outcomes
    ]


def retention_sentence(outcomes: Sequence[Outcome], *, dry_run: bool) -> str:
    """What was removed, or would be."""
    able = [each for each in outcomes if not each.hindered and each.count]
    found = ", ".join(f"{each.count:,} {each.kind}" for each in able)
    if not found:
        return "nothing to remove"
    size = readable_size(sum(each.size or 0 for each in able))
    return f"{'would remove' if dry_run else 'removed'} {found}; {size} where that is known"


def retention_words(outcome: Outcome, *, dry_run: bool) -> str:
    """What became of one kind of thing, for a log."""
    goes = "would go" if dry_run or outcome.hindered else "went"
    size = "" if outcome.size is None else f", {readable_size(outcome.size)}"
    lines = [f"{outcome.kind}: {outcome.count:,} {goes}{size}"]
    if outcome.hindered:
        lines.append(f"  none is removed: {outcome.hindered}")
    lines += [f"  {_title(item)}: {item.why}" for item in outcome.goes[:_MOST]]
    if left := outcome.goes[_MOST:]:
        lines.append(f"  and {sum(item.count for item in left):,} others")
    stays = sorted(outcome.stays.items())
    return "\n".join([*lines, *(f"  {count:,} stay: {why}" for why, count in stays)])


def readable_size(size: int) -> str:
    """A number of bytes for people."""
    value, unit = float(size), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"


def failure_words(failed: Mapping[str, Exception]) -> str:
    """What failed, kind by kind."""
    return "\n".join(f"{kind}: {_words(error)}" for kind, error in failed.items())


def _title(item: Item) -> str:
    return item.name if item.count == 1 else f"{item.count:,} {item.name}"


def _words(error: Exception) -> str:
    return str(error) if isinstance(error, ShipwayError) else f"{type(error).__name__}: {error}"


def _section(outcome: Outcome, *, dry_run: bool) -> Iterator[str]:
    yield f"## {outcome.kind[0].upper()}{outcome.kind[1:]}"
    if outcome.hindered:
        yield f"None is removed: {escape(outcome.hindered)}"
    if outcome.goes:
        goes = "Would go" if dry_run or outcome.hindered else "Went"
        rows = [_row(item) for item in outcome.goes[:_MOST]]
        if left := outcome.goes[_MOST:]:
            rows.append(["and others", "", f"{sum(item.count for item in left):,}", ""])
        yield table([goes, "Why it may", "Number", "Size"], rows)
    else:
        yield "Nothing goes."
    if outcome.stays:
        stays = [[escape(why), f"{count:,}"] for why, count in sorted(outcome.stays.items())]
        yield table(["Stays", "Number"], stays)


def _row(item: Item) -> list[str]:
    size = "" if item.size is None else readable_size(item.size)
    return [escape(item.name), escape(item.why), f"{item.count:,}", size]
