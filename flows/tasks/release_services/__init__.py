"""The services of one repository: which changed, and a run for each."""
