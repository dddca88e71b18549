"""The Prefect UI as people use it, in a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, ViewportSize, async_playwright

LAPTOP: ViewportSize = {"width": 1280, "height": 900}
# Beside the whole suite, a page may take its time; nobody waits for longer than it does.
PATIENCE_MILLISECONDS = 180_000
# The browser's own calls home are no part of a test.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
# Behind every page is a pattern, which makes a picture larger by a tenth.
PLAIN = ".app-router-view { background-image: none !important }"
# What is wider than the place that it has: what people would have to scroll to, or do not see.
CUT = """
well => [well, ...well.querySelectorAll('*')]
    .filter(one => one.clientWidth && one.scrollWidth > one.clientWidth + 1)
    .map(one => `${one.scrollWidth} in ${one.clientWidth}: ${one.innerText}`)
"""


def _chromium() -> str:
    """The Chromium on PATH; as root on Debian it is installed where it is missing.

    Without it, the tests that ask fail.
    """
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        install = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
        for command in (["apt-get", "update"], install):
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        found = shutil.which("chromium")
    if found is None:
        pytest.fail("no chromium on PATH: apt-get install chromium", pytrace=False)
    return found


@asynccontextmanager
async def open_browser() -> AsyncGenerator[Page]:
    """A page as wide as a laptop."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_chromium(), args=[*QUIET])
        ui = os.environ["PREFECT_API_URL"].removesuffix("/api")
        page = await browser.new_page(viewport=LAPTOP, base_url=ui)
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        yield page
        await browser.close()


def field(page: Page, name: str) -> Locator:
    """A field of a form, with its help and what is entered."""
    label = page.locator(".schema-form-property__label").get_by_text(name, exact=True)
    return page.locator(".schema-form-property").filter(has=label).last


async def choose(page: Page, name: str, choice: str) -> None:
    """Choose what a field of a form offers, by its search: the list shows a part of many."""
    await field(page, name).locator(".p-select-button__control").press("Space")
    await page.get_by_placeholder("Search").fill(choice)
    await page.locator(".p-select-option").get_by_text(choice, exact=True).click()


async def open_tab(page: Page, name: str) -> None:
    """Open a part of the page of a run."""
    await page.locator(".p-tab").get_by_text(name, exact=True).click()


async def open_newest(page: Page, key: str) -> None:
    """Open the newest artifact of a key, from the page that links lead to."""
    await page.goto(f"/artifacts/key/{key}")
    await page.locator("a[href*='/artifacts/artifact/']").first.click()


async def cut_on(page: Page) -> list[str]:
    """What of an artifact is wider than its place."""
    return await page.locator(".artifact-data-view").evaluate(CUT)


async def take_picture(page: Page, name: str) -> None:
    """Write a picture for the documentation, where a folder for pictures is named."""
    if folder := os.environ.get("SHIPWAY_PICTURES"):
        await page.wait_for_load_state("networkidle")
        await page.screenshot(path=Path(folder, f"{name}.png"), style=PLAIN)
