"""The page that people look at, in a real browser."""

from __future__ import annotations

from pathlib import Path

from docs.screenshot import picture
from tests.support.project import Project
from tests.support.runs import artifacts, run_of, run_release, summary


async def test_the_report_reads_well_in_the_prefect_ui(project: Project, tmp_path: Path) -> None:
    state = await run_release(project.app)
    report = (await artifacts(run_of(state)))[f"{project.app}-staging-report"]
    file = tmp_path / "report.png"
    text = await picture(report.id, file)
    assert file.read_bytes().startswith(b"\x89PNG")
    row = await summary(project.app, state)
    short = project.revision[:7]
    assert f"{project.app} {short} → staging: done" in text
    assert project.revision in text
    assert row["image"].partition("@")[2] in text
    assert "1 built, 1 pushed, 1 committed" in text
    for stage in ("code", "build", "unit", "release", "deploy"):
        assert stage in text
    # Markdown that was not understood would stand there as it was written.
    assert "**" not in text
    assert "|---" not in text
