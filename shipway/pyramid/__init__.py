"""The test pyramid: results, and what they come to."""
