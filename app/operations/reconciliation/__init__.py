"""Our books beside M-PESA's statement: differences, and the end of a day."""
