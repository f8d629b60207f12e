"""Hypothesis must not judge the core's tests by the clock of a busy machine."""

from hypothesis import settings

settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
