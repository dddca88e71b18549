"""The files with which secrets come from elsewhere."""

from __future__ import annotations

import re
from typing import Any

import yaml

from shipway.cli.check import check
from tests.support.project import HOME

SECRETS = HOME / "examples" / "secrets"


def objects() -> dict[str, Any]:
    text = (SECRETS / "blocks.yaml").read_text()
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


def test_an_app_whose_secret_is_elsewhere_is_released_like_any_other() -> None:
    assert check(SECRETS) == 0


def test_the_bootstrap_reads_each_variable_that_it_is_given() -> None:
    container = objects()["Job"]["spec"]["template"]["spec"]["containers"][0]
    given = {each["name"] for each in container["env"]}
    given |= {each["secretKey"] for each in objects()["ExternalSecret"]["spec"]["data"]}
    bootstrap = (HOME / "deployments" / "bootstrap.py").read_text()
    read = set(re.findall(r"\bSHIPWAY_[A-Z_]+\b", bootstrap))
    assert {name for name in given if not name.startswith("PREFECT_API_")} <= read


def test_what_holds_a_secret_is_named_alike() -> None:
    kinds = objects()
    made = kinds["ExternalSecret"]["spec"]["target"]["name"]
    container = kinds["Job"]["spec"]["template"]["spec"]["containers"][0]
    assert container["envFrom"] == [{"secretRef": {"name": made}}]
    store = kinds["ExternalSecret"]["spec"]["secretStoreRef"]
    assert store == {"kind": "SecretStore", "name": kinds["SecretStore"]["metadata"]["name"]}
