"""The phone in the browser: a handset beside the saga, for whoever tries Baraza on one machine.

The page speaks to the stand-ins of the outside world, as a phone does; of Baraza's inside it reads
one feed. It exists with the sandbox only, and on loopback only.
"""
