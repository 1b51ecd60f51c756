"""Files: written completely, read back, checked."""
