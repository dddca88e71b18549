"""The automations in `automations/`, created on the Prefect server by the bootstrap.

The files are as `prefect automation create` takes them, with names where the server wants ids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml
from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.events.schemas.automations import AutomationCore
from prefect.exceptions import ObjectNotFound

FOLDER = Path(__file__).with_name("automations")


async def make_automations(env: Mapping[str, str]) -> None:
    """Create each automation, unless there is one of its name: what people have changed stays.

    Args:
        env: SHIPWAY_NOTIFY names a notification block, as type/name; without it, none is told.
    """
    async with get_client() as client:
        for said in _asked_for(env):
            if await client.read_automations_by_name(said["name"]):
                continue
            try:
                automation = await with_ids(client, said)
            except ObjectNotFound:
                print(f"what it would tell is not there yet: {said['name']}")
            else:
                await client.create_automation(automation)
                print(f"automation {automation.name}")


async def with_ids(client: PrefectClient, said: Mapping[str, Any]) -> AutomationCore:
    """An automation as the server wants it.

    Raises:
        ObjectNotFound: There is no such block.
    """
    actions = [await _with_id(client, action) for action in said["actions"]]
    return AutomationCore.model_validate({**said, "actions": actions})


def _asked_for(env: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for file in sorted(FOLDER.glob("*.yaml")):
        text = Template(file.read_text()).safe_substitute(env)
        if "$" not in text:
            yield yaml.safe_load(text)


async def _with_id(client: PrefectClient, action: Mapping[str, Any]) -> dict[str, Any]:
    if name := action.get("block_document_id"):
        kind, _, document = name.partition("/")
        block = await client.read_block_document_by_name(document, kind)
        return {**action, "block_document_id": block.id}
    return dict(action)
