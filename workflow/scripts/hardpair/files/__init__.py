"""Files: written whole, read back, checked."""
