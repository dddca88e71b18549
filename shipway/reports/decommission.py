"""What goes with an app that leaves an environment, as a page."""

from __future__ import annotations

from collections.abc import Iterator

from shipway.decommission import Decommission
from shipway.reports.markdown import escape, fenced

_EXTERNAL = (
    "Shipway deletes nothing here: `agent: external`. An ApplicationSet of Argo CD deletes what "
    "has no folder any more; with Flux, delete the app's Kustomization, which prunes."
)


def render(seen: Decommission) -> str:
    """The Markdown page."""
    return "\n\n".join(part for part in _parts(seen) if part)


def _parts(seen: Decommission) -> Iterator[str]:
    yield f"# {seen.title}"
    yield f"**{escape(seen.sentence)}**"
    if seen.refusal:
        yield fenced(seen.refusal)
        return
    folder = f"## Files of `{seen.app_environment.folder}`"
    yield _section(folder, [f"`{name}`" for name in seen.files])
    yield _section("## Holds that go along", [revision[:7] for revision in seen.held])
    if seen.agent == "external":
        yield _EXTERNAL
    if seen.unknown:
        yield f"What the cluster has is not known: {escape(seen.unknown)}"
    yield _section("## Goes after the agent's grace", [escape(title) for title in seen.goes])
    stays = [f"{escape(title)}: {escape(why)}" for title, why in seen.stays]
    yield _section("## Stays", stays)


def _section(title: str, lines: list[str]) -> str:
    return "\n".join([title, "", *(f"- {line}" for line in lines)]) if lines else ""
