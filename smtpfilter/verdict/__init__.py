"""Deciding: categories and destinies, verdicts, the plan made of them, replies and notices.  Pure."""
