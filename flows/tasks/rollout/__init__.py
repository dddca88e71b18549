"""Deploy: commits, what watches them in the cluster, and the gates."""
