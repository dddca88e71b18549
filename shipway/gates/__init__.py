"""Gates: what must be so before a rollout goes on. A kind of gate is one file here."""
