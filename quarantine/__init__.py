"""Evidence: what happened to every message, the copies that are held, and their release."""
