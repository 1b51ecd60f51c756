"""A study at work: found, planned, watched, cleaned, extended."""
