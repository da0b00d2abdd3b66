import logging
from app.providers import shared_token
orig = shared_token.SharedToken._load_or_renew
def dbg(self, g, u):
    try: return orig(self, g, u)
    except Exception as e:
        print("FAILED", g, repr(e), flush=True); raise
shared_token.SharedToken._load_or_renew = dbg
from tests.contract.test_daraja_client import *
from tests.conftest import *
