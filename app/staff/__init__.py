"""Doors for people who work at the SACCO."""
