"""What the commits of the ops repository say: in their trailers, and in the folder's record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from shipway.config.holds import HOLDS_FILE
from shipway.git.ops_folder import OpsFolder, Proposal
from shipway.git.record import RECORD_FILE, write_record
from shipway.git.source_changes import Change, Changes, lines
from shipway.git.trailers import with_trailers
from shipway.release import Release

_NO_BRACKETS = str.maketrans("[]", "()")
# Of an issue or a pull request, as forges read it.
_REFERENCE = re.compile(r"(?<!\w)(?:[#!]|GH-)(?=\d)", re.IGNORECASE)


def release_proposal(
    folder: OpsFolder,
    changes: Mapping[str, bytes | None],
    release: Release,
    step: str,
    more: Mapping[str, str],
    run: str,
    what_changed: Changes | None = None,
) -> Proposal:
    """The commit of a release: it changes what an environment runs, or the record alone.

    Args:
        folder: What it changes.
        changes: The files that change beside the record, by path in the repository.
        release: What is released there.
        step: Of the plan, such as `2/5 canary 10%`; or what was done after the last one.
        more: Further trailers: of a downgrade, a rollback, an approval, a gate.
        run: The run that commits, as a link where there is one.
        what_changed: Since the revision before, where that is known.
    """
    app, environment = folder.app_environment.app, folder.app_environment.environment
    revision = release.revision
    trailers = {
        "Release": f"{app}/{environment}/{revision.commit[:12]}",
        "App": app,
        "Environment": environment,
        "Revision": revision.commit,
        "Revision-Date": revision.at.isoformat(),
        "Image": str(release.image),
        "Step": step,
        **more,
        "Run": run,
    }
    # What a way back needs, without the app's repository; and what people ask of what runs.
    about = {
        "At": datetime.now(UTC).isoformat(timespec="seconds"),
        "Revision-Tree": revision.tree,
        "Revision-Author": revision.author,
        "Revision-Subject": revision.subject,
    }
    if revision.uses:
        about["Revision-Uses"] = ", ".join(revision.uses)
    record, holds = (f"{folder.path}/{name}" for name in (RECORD_FILE, HOLDS_FILE))
    return Proposal(
        changes={**changes, record: write_record({**trailers, **about})},
        message=with_trailers(
            f"{app} {revision.short} → {environment}", trailers, _body(what_changed)
        ),
        notes=frozenset({record, holds}),
    )


def _body(what_changed: Changes | None) -> str:
    """What changed, in paragraphs that nobody takes for trailers: each begins with a sentence."""
    if what_changed is None:
        return ""
    paragraphs = (
        "\n".join([sentence, *lines(commits, _line)])
        for sentence, commits in what_changed.parts.items()
    )
    return "".join(f"{paragraph}\n\n" for paragraph in paragraphs)


def _line(change: Change) -> str:
    """A commit of the app's repository in a message of another one.

    A forge acts on what it finds there: `fixes #12` would close an issue of the ops repository, and
    `[skip ci]` would skip its checks.
    """
    about = change.about.translate(_NO_BRACKETS)
    return f"{change.commit[:7]} {_REFERENCE.sub('no. ', about)}"
