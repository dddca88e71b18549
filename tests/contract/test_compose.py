"""Docker Compose takes docker/compose, and what it makes of it gives nobody more than they need."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.project import HOME, bring_up

FOLDER = HOME / "docker" / "compose"
ONCE = {"registration", "ledger"}
PASSWORDS = ("PASSWORD", "AUTH_STRING", "ENCRYPTION_KEY", "CONNECTION_URL", "LEDGER_URL")


def config(env: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    compose = [env["SHIPWAY_DOCKER_CLI"], "compose", "--file", str(FOLDER / "compose.yaml")]
    command = [*compose, *options, "config", "--format", "json"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def env(sandbox: dict[str, str]) -> dict[str, str]:
    bring_up("Compose", "--cluster", "none", "--compose")
    names = ("PATH", "HOME", "DOCKER_CONFIG", "SHIPWAY_DOCKER_CLI")
    return {name: os.environ[name] for name in names}


@pytest.fixture(scope="module")
def services(env: dict[str, str]) -> dict[str, Any]:
    done = config(env, "--env-file", str(FOLDER / "example.env"))
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return json.loads(done.stdout)["services"]


def test_what_has_no_default_is_asked_for(env: dict[str, str], tmp_path: Path) -> None:
    asked = (FOLDER / "example.env").read_text().splitlines()
    for name in ("SHIPWAY_IMAGE", "SHIPWAY_DOMAIN", "REGISTRY_DOMAIN", "SHIPWAY_OPS_URL"):
        file = tmp_path / name
        file.write_text("\n".join(line for line in asked if not line.startswith(f"{name}=")))
        done = config(env, "--env-file", str(file))
        assert done.returncode != 0
        assert name in done.stderr


def test_only_buildkit_has_more_than_an_unprivileged_service(services: dict[str, Any]) -> None:
    for name in services.keys() - {"buildkit"}:
        service = services[name]
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else []), name
    for name, service in services.items():
        assert not service.get("privileged"), name
        assert all(volume["type"] == "volume" for volume in service.get("volumes", [])), name


def test_only_the_proxy_has_ports_and_state_has_a_network_of_its_own(
    services: dict[str, Any],
) -> None:
    assert {name for name, service in services.items() if "ports" in service} == {"proxy"}
    for name in ("postgres", "redis", "backup", "ledger"):
        assert set(services[name]["networks"]) == {"data"}
    assert not {"data"} & set(services["proxy"]["networks"])


def test_each_service_is_watched_and_starts_again(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["restart"] == ("on-failure" if name in ONCE else "unless-stopped"), name
    unwatched = {
        name for name, each in services.items() if "test" not in each.get("healthcheck", {})
    }
    # The image of the worker has a check of its own.
    assert unwatched == ONCE | {"services", "worker"}


def test_a_secret_is_a_file_and_goes_where_it_is_needed(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for variable, value in (service.get("environment") or {}).items():
            is_secret = any(word in variable for word in PASSWORDS)
            assert not is_secret or variable.endswith("_FILE"), f"{name}: {variable}={value}"
    having: dict[str, set[str]] = {}
    for name, service in services.items():
        for secret in service.get("secrets", []):
            having.setdefault(secret["source"], set()).add(name)
    assert having["PREFECT_SERVER_ENCRYPTION_KEY"] == {"server", "services"}
    assert having["PREFECT_SERVER_DATABASE_CONNECTION_URL"] == {"server", "services"}
    assert having["POSTGRES_PASSWORD"] == {"postgres", "ledger", "backup"}
    assert having["SHIPWAY_GIT_PASSWORD"] == {"registration"}
    assert having["buildkit-server-key"] == {"buildkit"}
    assert {secret["source"] for secret in services["worker"]["secrets"]} == {
        "PREFECT_API_AUTH_STRING"
    }


def test_the_server_is_told_what_it_is_told_on_kubernetes(services: dict[str, Any]) -> None:
    base = HOME / "deployments" / "kubernetes" / "base" / "kustomization.yaml"
    for generated in yaml.safe_load(base.read_text("utf-8"))["configMapGenerator"]:
        if generated["name"] == "prefect-server":
            told = dict(line.split("=", 1) for line in generated["literals"])
    # Its pods migrate before they start.
    del told["PREFECT_SERVER_DATABASE_MIGRATE_ON_START"]
    for name in ("server", "services"):
        assert told.items() <= services[name]["environment"].items()
