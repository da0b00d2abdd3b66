"""Doors for machines: the USSD gateway and the providers' callbacks."""
