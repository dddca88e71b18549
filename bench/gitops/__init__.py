"""The GitOps commit: byte-exact, raced, large and over a network that fails."""
