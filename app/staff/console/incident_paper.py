"""The draft of a report on an incident as a paper."""

from app.operations.incident_report import Draft
from app.pdf import Paper


def made(draft: Draft, *, house: str) -> bytes:
    """The draft as PDF."""
    paper = Paper(draft.title, house=house, made_at=draft.made_at, page="page")
    paper.small(draft.intro)
    for part in draft.parts:
        paper.heading(part.title)
        if part.text:
            paper.paragraph(part.text)
        paper.facts(part.facts)
    return paper.written()
