"""Deploy: commits, what applies them, what watches and judges them, and the way back."""
