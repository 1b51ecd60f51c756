"""A study as one: its plan, status, results, events, cleaning and import of runs."""
