"""The core's tests are tight and pure; on a busy machine hypothesis must not judge them by the clock."""

from hypothesis import settings

settings.register_profile("unit", deadline=None)
settings.load_profile("unit")
