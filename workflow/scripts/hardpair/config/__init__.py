"""A study's config: read, checked, completed, described."""
