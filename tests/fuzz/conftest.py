"""How long is fuzzed: a few seconds within the suite, minutes in continuous integration (.ci/run),
both always with the same examples; for hours, each time with others, by

POSTERN_FUZZ_EXAMPLES=1000000 ./postern test tests/fuzz
"""

import os

from hypothesis import HealthCheck, settings

_EXAMPLES = int(os.environ.get("POSTERN_FUZZ_EXAMPLES", "0"))
_BY_HAND = 10_000  # examples from which on each run has its own


def fuzzing(examples: int) -> settings:
    """Return the settings of a target that runs `examples` examples within the suite."""
    return settings(
        max_examples=_EXAMPLES or examples,
        derandomize=_EXAMPLES < _BY_HAND,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
