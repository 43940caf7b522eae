"""Whole stories with real processes, real databases and real remote systems."""
