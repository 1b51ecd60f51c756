"""What several figures draw with."""
