"""Real services for tests and bench, each started and stopped by plain calls."""
