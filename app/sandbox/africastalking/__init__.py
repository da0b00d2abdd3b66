"""Africa's Talking as Baraza meets it: SMS with delivery reports, and phones that dial USSD.

The phones are doors of the sandbox: whoever posts to them (a test, the terminal, a page) is a
person with a handset. What Baraza then gets is a genuine gateway request.
"""
