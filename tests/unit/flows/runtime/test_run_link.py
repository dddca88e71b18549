from __future__ import annotations

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, temporary_settings

from flows.runtime.run_link import known_root_run, root_run, this_run

RUN = "00000000-0000-0000-0000-000000000001"


@pytest.fixture(autouse=True)
def in_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", RUN)
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ROOT_FLOW_RUN_ID", RUN)


def test_a_run_is_a_link_where_there_is_a_ui() -> None:
    with temporary_settings({PREFECT_UI_URL: "https://prefect.example.org"}):
        assert this_run() == f"https://prefect.example.org/runs/flow-run/{RUN}"


def test_without_an_address_the_run_stands_as_its_id() -> None:
    with temporary_settings(restore_defaults={PREFECT_UI_URL, PREFECT_API_URL}):
        assert this_run() == RUN


def test_a_subflow_knows_the_run_that_people_started(monkeypatch: pytest.MonkeyPatch) -> None:
    other = RUN.replace("1", "2")
    with known_root_run():
        # As in a subflow whose parent the server does not tell.
        monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ID", other)
        monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__ROOT_FLOW_RUN_ID", other)
        assert root_run() == RUN
    assert root_run() == other
