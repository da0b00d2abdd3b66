"""Baraza: the USSD and SMS channel of a savings co-operative."""
