"""Stand-ins for the outside world. They import nothing of Baraza, so they can judge it.

Two programs, each a process of its own with its own memory on disk: `python -m
app.sandbox.safaricom` and `python -m app.sandbox.africastalking`. They listen on loopback only and
refuse to start in production.
"""
