"""All runs of a study side by side."""
