"""What a part of the appliance says when it is asked whether it works."""

from dataclasses import dataclass

TIMEOUT_SECONDS = 8.0  # the patience of a probe


@dataclass(frozen=True, slots=True)
class Probe:
    """One part of the appliance: does it work, and what does it say.

    `warns`: it works, and a person should look at it all the same.
    """

    ok: bool
    detail: str
    warns: bool = False

    @property
    def word(self) -> str:
        """Three characters for a list of parts."""
        return ("ok!" if self.warns else "ok ") if self.ok else "BAD"
