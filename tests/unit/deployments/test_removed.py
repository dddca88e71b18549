from __future__ import annotations

from pathlib import Path

import pytest

from deployments.removed import PREFECT_YAML, declared
from shipway.errors import RefuseError

RELEASE = "  - {name: release, entrypoint: flows.release.release}\n"


def test_the_names_are_those_that_deployments_have_on_the_server() -> None:
    variable, names = declared(PREFECT_YAML)
    assert variable == "shipway_deployments"
    assert {"release/release", "reconcile/on-commit", "release-new/release-new"} <= set(names)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name: shipway\n",
        "name: shipway\ndeployments:\n",
        "name: shipway\ndeployments: []\n",
        f"deployments:\n{RELEASE}",
        f"name: shipway\ndeployments:\n{RELEASE}  - {{name: plan}}\n",
        f"name: shipway\ndeployments:\n{RELEASE}  - {{name: plan, entrypoint: flows.plan.gone}}\n",
        f"name: shipway\ndeployments:\n{RELEASE}  - {{name: plan, entrypoint: flows.gone.plan}}\n",
        f"name: shipway\ndeployments:\n{RELEASE}<<<<<<< ours\n",
    ],
)
def test_a_file_that_does_not_say_all_of_them_says_none(text: str, tmp_path: Path) -> None:
    file = tmp_path / "prefect.yaml"
    file.write_text(text)
    with pytest.raises(RefuseError, match="It is not known which deployments there should be"):
        declared(file)


def test_a_file_that_is_not_there_says_none(tmp_path: Path) -> None:
    with pytest.raises(RefuseError, match="It is not known which deployments there should be"):
        declared(tmp_path / "prefect.yaml")
