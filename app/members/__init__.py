"""Members: who they are, their PINs, their savings accounts."""
