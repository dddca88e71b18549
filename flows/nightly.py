"""The whole pyramid of the default branch, every night, from nothing: no cache, no release."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State

from flows.runtime.beside import finish_beside
from flows.runtime.run_reporter import report_run
from flows.tasks.build import build, build_tests
from flows.tasks.checkout import checkout
from flows.tasks.clean_up import clear_leftovers, remove_what_runs
from flows.verify import verify
from shipway.app_environment import AppEnvironment
from shipway.pyramid.results import RedLayerError
from shipway.runners.environment import Images
from shipway.temporary_folder import temporary_folder


@flow(
    name="nightly",
    flow_run_name="{app} nightly",
    on_completion=[finish_beside],
    on_failure=[finish_beside],
    on_cancellation=[remove_what_runs],
    on_crashed=[remove_what_runs],
)
async def nightly(app: str) -> State[None]:
    """Build the tip of the default branch without caches and run every layer to its end.

    A red layer stops none of the others; the first one is the run's error.

    Args:
        app: App, as its Source Repository block is named.
    """
    reds: list[RedLayerError] = []
    await clear_leftovers()
    with temporary_folder("code") as folder:
        async with report_run(AppEnvironment(app=app, environment="nightly")) as reporter:
            code = await reporter.timed("code", checkout(app, None, folder))
            reporter.releases(code.revision, code.pipeline.tests)
            image = await reporter.timed("build", build(code, "image", no_cache=True))
            tests = await build_tests(code, no_cache=True)
            images = Images(tests=tests, app=image)
            for name in code.pipeline.tests.layers:
                layer = verify.with_options(name=name)
                try:
                    await reporter.verified(name, layer(name, code, images, fresh=True))
                except RedLayerError as red:
                    reds.append(red)
            if reds:
                raise reds[0]
            return reporter.completed()
