"""What a part of the appliance says when it is asked whether it works."""

from dataclasses import dataclass, field

TIMEOUT_SECONDS = 8.0  # the patience of a probe


@dataclass(frozen=True, slots=True)
class Probe:
    """One part of the appliance: does it work, and what does it say.

    `warns`: it works, and a person should look at it all the same.  `seconds`: what its answer
    took, None where that tells nothing.
    """

    ok: bool
    detail: str
    warns: bool = False
    seconds: float | None = field(default=None, compare=False)

    @property
    def word(self) -> str:
        """Three characters for a list of parts."""
        return ("ok!" if self.warns else "ok ") if self.ok else "BAD"

    @property
    def took(self) -> str:
        """The time of its answer for people, "" where it tells nothing."""
        if self.seconds is None:
            return ""
        return f"{self.seconds:.1f} s" if self.seconds >= 1 else f"{self.seconds * 1000:.0f} ms"
