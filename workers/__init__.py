"""Processes that move payouts: RQ workers and the timekeeper."""
