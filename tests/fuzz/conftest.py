"""How long is fuzzed: a few seconds within the suite, always with the same examples; for hours by

POSTERN_FUZZ_EXAMPLES=1000000 ./postern test tests/fuzz
"""

import os

from hypothesis import HealthCheck, settings

_EXAMPLES = int(os.environ.get("POSTERN_FUZZ_EXAMPLES", "0"))


def fuzzing(examples: int) -> settings:
    """Return the settings of a target that runs `examples` examples within the suite."""
    return settings(
        max_examples=_EXAMPLES or examples,
        derandomize=not _EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
