"""How the page is told no."""

from flask import Response, jsonify

Answer = tuple[Response, int]


def no(sentence: str, status: int) -> Answer:
    """A refusal with a sentence for the person at the page."""
    return jsonify(error=sentence), status
