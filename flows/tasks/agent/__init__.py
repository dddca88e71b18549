"""The cluster's agent: asked to apply a commit, and applying it."""
