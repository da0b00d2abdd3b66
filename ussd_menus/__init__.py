"""The USSD dialogue: screens as data, and a pure engine that replays a transcript over them.

`menu` holds the product, `engine` moves through it, `rendering` writes screens, `proof` refuses a
menu that could fail a member. Nothing here reads a clock, a database or a network.
"""
