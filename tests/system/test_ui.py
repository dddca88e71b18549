"""What people do and see in the Prefect UI, in a real browser."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page
from prefect import get_client
from prefect_kubernetes.credentials import KubernetesClusterConfig, KubernetesCredentials

from blocks.cluster import Cluster
from deployments.bootstrap import save, show_what_is_registered
from flows.history import history
from shipway.rollout.status import WHAT_RUNS
from tests.support.prefect_ui import (
    choose,
    cut_on,
    field,
    open_browser,
    open_newest,
    open_tab,
    take_picture,
)
from tests.support.project import Project


@pytest.fixture
async def page(sandbox: dict[str, str]) -> AsyncIterator[Page]:
    async with open_browser() as page:
        yield page


async def start_by_form(page: Page, app: str) -> None:
    """Start a release with the form's choices, and open the page of its run."""
    async with get_client() as client:
        release = await client.read_deployment_by_name("release/release")
    await page.goto(f"/deployments/deployment/{release.id}/run")
    await choose(page, "app", app)
    await choose(page, "environment (Optional)", "staging")
    await take_picture(page, "form")
    await page.get_by_role("button", name="Submit").click()
    await page.wait_for_url("**?tab=Runs")
    await page.goto(f"/runs?tag=app:{app}&hide-subflows=true")
    await page.get_by_role("link", name=f"{app} ").first.click()
    await page.wait_for_url("**/runs/flow-run/**")


async def approve(page: Page, who: str, reason: str) -> None:
    """Answer the form of the run."""
    await page.locator("header").get_by_text("Suspended").wait_for()
    await page.get_by_role("button", name="Resume").click()
    await field(page, "Approve").get_by_role("switch").click()
    await field(page, "Who").locator("textarea").fill(who)
    await field(page, "Reason (Optional)").locator("textarea").fill(reason)
    await take_picture(page, "approval")
    assert await page.locator(".p-modal__body").evaluate("b => b.scrollWidth <= b.clientWidth")
    async with page.expect_response("**/resume"):
        await page.get_by_role("button", name="Submit").click()


async def test_a_release_is_started_approved_and_followed(
    cluster_project: Project, page: Page
) -> None:
    app = cluster_project.app
    rollout = f"{cluster_project.ops_file('rollout.yaml')}rolling: {{approval: true}}\n"
    cluster_project.change_ops({f"{cluster_project.folder}/rollout.yaml": rollout})
    await show_what_is_registered()
    await start_by_form(page, app)
    await approve(page, "Ada", "it looks good")
    await page.locator("header").get_by_text("Completed").wait_for()
    await open_tab(page, "Details")
    await page.get_by_text("built, 2 tests passed, pushed, 1 commit").first.wait_for()
    assert "Approved-By: Ada" in cluster_project.ops.git.log(
        "-1", "--format=%B", cluster_project.ops_log()[0]
    )

    await open_tab(page, "Artifacts")
    # The older one said that the run waits; it may stand there alone for a while, and on top.
    reports = page.get_by_role("link", name=f"{app}-staging-report")
    await reports.nth(1).wait_for()
    await open_newest(page, f"{app}-staging-report")
    short = cluster_project.revision[:7]
    await page.get_by_text(f"{app} {short} → staging: done").wait_for()
    await take_picture(page, "report")
    text = await page.locator(".artifact-data-view").inner_text()
    for words in (cluster_project.revision, "1 built, 1 pushed, 1 committed", "deploy"):
        assert words in text
    # Markdown that was not understood would stand there as it was written.
    assert "**" not in text
    assert "|---" not in text
    assert await cut_on(page) == []

    for link in ("Timeline", "What runs where"):
        await page.get_by_role("link", name=link, exact=True).wait_for()

    await open_newest(page, f"{app}-staging-rollout")
    await page.get_by_text("Rollout of").first.wait_for()
    assert await cut_on(page) == []

    await open_newest(page, WHAT_RUNS)
    await page.get_by_text(app, exact=True).wait_for()
    await take_picture(page, "what-runs-where")
    assert await cut_on(page) == []

    await history("staging", app)
    await open_newest(page, f"staging-{app}-history")
    await page.get_by_text(short).first.wait_for()
    await take_picture(page, "history")
    assert await cut_on(page) == []


async def test_a_block_that_is_edited_keeps_the_block_in_it(page: Page) -> None:
    name = f"edited-{uuid.uuid4().hex[:6]}"
    config = KubernetesClusterConfig(config={"kind": "Config"}, context_name="ours")
    credentials = KubernetesCredentials(cluster_config=config)
    await save({f"cluster/{name}": Cluster(credentials=credentials)})
    async with get_client() as client:
        document = await client.read_block_document_by_name(name, "cluster")
    await page.goto(f"/blocks/block/{document.id}/edit")
    await page.get_by_text(f"shipway-{name}").wait_for()
    await page.get_by_role("spinbutton").fill("90")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url(f"**/blocks/block/{document.id}")
    edited = await Cluster.aload(name)
    assert edited.reachable_seconds == 90
    assert edited.credentials.cluster_config is not None
    assert edited.credentials.cluster_config.context_name == "ours"
    await Cluster.adelete(name)
    await KubernetesCredentials.adelete(f"shipway-{name}")
    await KubernetesClusterConfig.adelete(f"shipway-{name}")
