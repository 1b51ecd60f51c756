"""What predictions are worth: pure functions on arrays."""
