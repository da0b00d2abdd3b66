"""Watching the whole: health, metrics, invariants."""
