from __future__ import annotations

from shipway.decommission import Decommission
from shipway.reports.decommission import render
from tests.support.app_environments import SHOP


def seen(**more: object) -> Decommission:
    facts = {"app_environment": SHOP, "files": ("rollout.yaml",), "agent": "reconcile"}
    return Decommission.model_validate({**facts, **more})


def test_the_page_says_what_goes_and_what_stays_and_why() -> None:
    page = render(
        seen(
            goes=("Deployment/shop", "Service/shop"),
            stays=(("PersistentVolumeClaim/data", "only a person deletes one"),),
            held=("b" * 40,),
        )
    )
    assert page == (
        "# shop leaves prod\n"
        "\n"
        "**1 commit; after the agent's grace 2 objects go**\n"
        "\n"
        "## Files of `prod/shop`\n"
        "\n"
        "- `rollout.yaml`\n"
        "\n"
        "## Holds that go along\n"
        "\n"
        "- bbbbbbb\n"
        "\n"
        "## Goes after the agent's grace\n"
        "\n"
        "- Deployment/shop\n"
        "- Service/shop\n"
        "\n"
        "## Stays\n"
        "\n"
        "- PersistentVolumeClaim/data: only a person deletes one"
    )


def test_what_refuses_it_is_all_that_the_page_says() -> None:
    page = render(seen(refusal="shop in prod is frozen.", goes=("Deployment/shop",)))
    assert page == "# shop leaves prod\n\n**refused**\n\n```text\nshop in prod is frozen.\n```"


def test_with_another_agent_shipway_deletes_nothing() -> None:
    page = render(seen(agent="external"))
    assert "Shipway deletes nothing here" in page
    assert "delete the app's Kustomization" in page


def test_a_cluster_that_says_nothing_is_no_cluster_without_objects() -> None:
    page = render(seen(unknown="The cluster does not answer."))
    assert "**1 commit; what the cluster has is not known**" in page
    assert "What the cluster has is not known: The cluster does not answer." in page
