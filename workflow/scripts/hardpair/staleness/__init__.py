"""What each job depends on: settings, code, and a run's fingerprint."""
