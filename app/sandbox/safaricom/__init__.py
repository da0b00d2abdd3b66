"""Safaricom as Baraza meets it: token, payouts, status and balance queries, results posted back.

Answers truthfully by default and keeps its own books, so that a test can ask it who was paid how
often without believing Baraza. Shapes and odd forms are those that were captured or published.
"""
