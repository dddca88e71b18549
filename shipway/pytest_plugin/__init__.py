"""The pytest plugin that goes beside a suite. Standard library only: it goes into images."""
