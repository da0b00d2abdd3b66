"""Dialogues as members have them, one file a journey and language: `<journey>.<en|sw>.txt`."""
