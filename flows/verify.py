"""Test: the pyramid, one subflow a layer."""

from __future__ import annotations

from prefect import flow

from blocks.junit import LayerResult
from flows.tasks.code import Code
from flows.tasks.layer import run_tests


@flow(name="unit", flow_run_name="unit · {code.app} {code.revision.short}")
async def unit(code: Code, test_image: str) -> LayerResult | None:
    """The base of the pyramid: quick tests of the code alone. None where the app has none."""
    if "unit" not in code.pipeline.tests.layers:
        return None
    return await run_tests("unit", code, test_image, None)


@flow(name="integration", flow_run_name="integration · {code.app} {code.revision.short}")
async def integration(code: Code, test_image: str, image: str) -> LayerResult | None:
    """The code with the real services it needs. None where the app has no such layer."""
    if "integration" not in code.pipeline.tests.layers:
        return None
    return await run_tests("integration", code, test_image, image)


@flow(name="e2e", flow_run_name="e2e · {code.app} {code.revision.short}")
async def e2e(code: Code, test_image: str, image: str) -> LayerResult | None:
    """The very image that will ship, from outside. None where the app has no such layer."""
    if "e2e" not in code.pipeline.tests.layers:
        return None
    return await run_tests("e2e", code, test_image, image)
