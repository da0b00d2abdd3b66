"""SMS: texts, segments, the outbox, delivery reports."""
