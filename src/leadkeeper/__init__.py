"""Leadkeeper: keeps every lead of a software marketplace and carries it to the publisher's own system."""

__version__ = "0.1.0"
