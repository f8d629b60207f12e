"""Deciding: categories, verdicts, the plan made of them, replies and notices.  Pure."""
