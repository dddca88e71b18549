"""Gates: what must be so before a rollout goes on. A kind is one file, and one line here."""

from shipway.gates.gate import Gate, GateSettings, model_with
from shipway.gates.http import HttpGate
from shipway.gates.job import JobGate
from shipway.gates.prometheus import PrometheusGate

# Each under the key of its settings in rollout.yaml.
GATE_KINDS: dict[str, type[GateSettings]] = {
    "prometheus": PrometheusGate,
    "http": HttpGate,
    "job": JobGate,
}


def gate_model() -> type[Gate]:
    """A gate of rollout.yaml: the model with a key for each kind that is registered now."""
    return model_with(tuple(GATE_KINDS.items()))
