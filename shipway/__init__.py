"""What a release is: one Git commit, built, tested, pushed and rolled out. Nothing of Prefect."""
