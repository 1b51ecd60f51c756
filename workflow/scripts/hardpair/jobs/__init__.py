"""A job on its machine: its GPU, its locks, its log."""
