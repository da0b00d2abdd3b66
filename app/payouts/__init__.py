"""The payout saga: states, evidence, steps, claims, deadlines."""
