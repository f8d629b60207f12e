"""Screens of the evidence: overview, lists of mail, one message, and what can be done with it."""
