"""How long what Shipway makes is kept; whatever is in use is kept longer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Retention(BaseModel):
    """How much is kept of each kind, and for how long."""

    model_config = ConfigDict(frozen=True)

    registry_is_ours: bool = Field(
        default=False,
        description="Whether this ops repository alone says which images of the registry are in "
        "use. Without it, images that may go are listed, and none is removed.",
    )
    registry_days: int = Field(
        default=90, ge=0, description="An image in the registry stays for so long after its build."
    )
    registry_images: int = Field(
        default=20, ge=0, description="The newest images of an app in the registry that stay."
    )
    rollbacks: int = Field(
        default=20,
        ge=2,
        description="The last images that served in each environment, with the one that serves: as "
        "far as a rollback leads. They stay in the registry.",
    )
    engine_days: int = Field(
        default=7, ge=0, description="An image on the engine stays for so long after its build."
    )
    engine_images: int = Field(
        default=5, ge=0, description="The newest images of an app on the engine that stay."
    )
    run_days: int = Field(default=90, ge=0, description="A run stays for so long after its end.")
    agent_run_days: int = Field(
        default=2,
        ge=0,
        description="The same for turns of the agent and looks for what is new: 2,880 a day.",
    )
    test_days: int = Field(
        default=180,
        ge=0,
        description="What the ledger knows of a test stays for so long after its last run.",
    )
    green_days: int = Field(
        default=30, ge=0, description="A green layer is not run again for so long."
    )
    copy_days: int = Field(
        default=30, ge=0, description="A worker's copy of a repository stays for so long unused."
    )
    copy_files: int = Field(
        default=10_000,
        ge=1,
        description="A copy that has more files than that is removed, and made anew when it is "
        "needed: each fetch adds some.",
    )
