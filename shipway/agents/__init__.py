"""Agents that apply instead of Shipway. A kind is one file, and one line here."""

from shipway.agents.agent import AgentSettings, ExternalAgent, model_with
from shipway.agents.argo_cd import ArgoCd
from shipway.agents.flux import Flux

# Each under the key of its settings in rollout.yaml.
AGENTS: dict[str, type[AgentSettings]] = {
    "flux": Flux,
    "argo_cd": ArgoCd,
}


def agent_model() -> type[ExternalAgent]:
    """`external_agent` of rollout.yaml, with a key for each kind that is registered now."""
    return model_with(tuple(AGENTS.items()))
