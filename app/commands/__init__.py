"""The `baraza` command's subjects, one module each. Imported only when they are called."""
