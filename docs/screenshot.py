"""The README's picture: the latest release's report in the Prefect UI, in a real browser.

`make screenshot` after `make demo` writes docs/release.png anew.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import UUID

from playwright.async_api import ViewportSize, async_playwright
from prefect import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
)
from prefect.client.schemas.sorting import ArtifactSort

PICTURE = Path(__file__).with_name("release.png")
SIZE: ViewportSize = {"width": 1280, "height": 900}
# The browser's own calls home are no part of the picture.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


def browser() -> str:
    """The Chromium on PATH; as root on Debian it is installed where it is missing.

    Raises:
        SystemExit: There is none, and it cannot be installed.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
        for command in (["apt-get", "update"], install):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = shutil.which("chromium")
    if found is None:
        sys.exit("✗ no chromium on PATH: apt-get install chromium")
    return found


async def latest() -> UUID:
    """Id of the report of the newest release that built something."""
    async with get_client() as client:
        summaries = await client.read_artifacts(
            artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=["shop-staging-summary"])),
            sort=ArtifactSort.CREATED_DESC,
        )
        runs = [one.flow_run_id for one in summaries if '"built": 1' in str(one.data)]
        if not runs or runs[0] is None:
            sys.exit("✗ there is no release to show: run `make demo` first")
        (report,) = await client.read_artifacts(
            artifact_filter=ArtifactFilter(
                key=ArtifactFilterKey(any_=["shop-staging-report"]),
                flow_run_id=ArtifactFilterFlowRunId(any_=[runs[0]]),
            )
        )
    return report.id


async def picture(report: UUID, file: Path) -> str:
    """Open a release report in the Prefect UI and take its picture; return the text it shows."""
    ui = os.environ["PREFECT_API_URL"].removesuffix("/api")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser(), args=[*QUIET])
        page = await chromium.new_page(viewport=SIZE)
        await page.goto(f"{ui}/artifacts/artifact/{report}")
        await page.get_by_text("This run").first.wait_for()
        await page.screenshot(path=file)
        text = await page.inner_text("body")
        await chromium.close()
    return text


async def main() -> None:
    """Take it."""
    await picture(await latest(), PICTURE)
    print(PICTURE)


if __name__ == "__main__":
    asyncio.run(main())
