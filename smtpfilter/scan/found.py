"""What a virus scanner's words become: findings with visible, bounded names (A5, V-3, V-12)."""

import re
from collections.abc import Iterable

from smtpfilter.mail.findings import Unchecked, UncheckedKind, Virus, visible
from smtpfilter.ports.engines import VirusScan

LONGEST_NAME = 256
UNNAMED = "unnamed"

_UNLOOKABLE: tuple[tuple[str, UncheckedKind], ...] = (
    ("Heuristics.Limits.Exceeded", "limits"),
    ("(null)", "limits"),  # clamd's word for some content above its limits
    ("Heuristics.Encrypted.", "encrypted"),
)
_BREAKS = re.compile(r"[\t\r\n]+")


def shown(text: bytes | str, longest: int = LONGEST_NAME) -> str:
    """Return an engine's words as one visible line."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return visible(_BREAKS.sub(" ", text).strip(), longest)


def infected(names: Iterable[bytes | str], scanner: str) -> VirusScan:
    """Return the finding of these names, each once; one without a name is "unnamed".

    ClamAV's names for what it could not look into are no viruses, whoever passes them on.
    """
    viruses: dict[Virus, None] = {}
    unlookable: dict[Unchecked, None] = {}
    for name in names:
        word = shown(name).removesuffix(".UNOFFICIAL")
        kind = next((kind for start, kind in _UNLOOKABLE if word.startswith(start)), None)
        if kind:
            unlookable[Unchecked(kind, f"{scanner}: {word}")] = None
        else:
            viruses[Virus(word or UNNAMED, scanner)] = None
    if not viruses and not unlookable:
        viruses[Virus(UNNAMED, scanner)] = None
    return VirusScan(viruses=tuple(viruses), unchecked=tuple(unlookable))


def unchecked(kind: UncheckedKind, text: str) -> VirusScan:
    return VirusScan(unchecked=(Unchecked(kind, text),))


def joined(scans: Iterable[VirusScan]) -> VirusScan:
    """Return the findings of all these definite answers, each once."""
    scans = tuple(scans)
    return VirusScan(
        viruses=tuple(dict.fromkeys(virus for scan in scans for virus in scan.viruses or ())),
        unchecked=tuple(dict.fromkeys(item for scan in scans for item in scan.unchecked)),
    )
