"""A release up to the GitOps commit, beside the same workflow as a bash script."""
