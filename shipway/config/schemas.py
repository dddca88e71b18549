"""JSON Schemas of the files that teams write, for editors: `python -m shipway.config.schemas`.

A schema knows less than Shipway: which keys belong together, for instance, only a release checks.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from shipway.config.freeze import Freezes
from shipway.config.holds import Holds
from shipway.config.pipeline import Pipeline
from shipway.config.rollout import rollout_model

# https://json-schema.org/specification
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> Mapping[str, dict[str, Any]]:
    """The schema of each file, by the file's name without its ending."""
    models: dict[str, type[BaseModel]] = {
        "pipeline": Pipeline,
        "rollout": rollout_model(),
        "holds": Holds,
        "freeze": Freezes,
    }
    return {
        name: {"$schema": DIALECT, **model.model_json_schema(), "title": f"{name}.yaml"}
        for name, model in models.items()
    }


def write_schemas(folder: Path) -> None:
    """Write each into a file of a folder."""
    folder.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (folder / f"{name}.json").write_text(json.dumps(schema, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
