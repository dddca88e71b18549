"""The steps of a rollout: each is taken, watched and judged; and the jobs of a release."""
