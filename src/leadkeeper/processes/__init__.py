"""Several processes on one machine: how many, in which roles, and one that keeps them running."""
