"""The whole menu, put together and proved the moment it is imported."""

import hashlib

from ussd_menus import main, money, pin, proof, withdraw
from ussd_menus.model import Screens

SCREENS: Screens = {**main.SCREENS, **withdraw.SCREENS, **money.SCREENS, **pin.SCREENS}
STARTS = main.STARTS
VERSION = hashlib.sha256(repr(SCREENS).encode()).hexdigest()[:12]
"""Changes with any screen. A session lives on the version that it began with."""

proof.check(SCREENS, STARTS)
