"""The whole of Baraza under load while everything around it and in it fails, then judged."""
