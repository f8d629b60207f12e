"""What a virus scanner's words become: findings with visible, bounded names (A5, V-3, V-12)."""

import re
from collections.abc import Iterable

from smtpfilter.mail.findings import Unchecked, UncheckedKind, Virus, visible
from smtpfilter.ports import VirusScan

LONGEST_NAME = 256
UNNAMED = "unnamed"

_BREAKS = re.compile(r"[\t\r\n]+")


def shown(text: bytes | str, longest: int = LONGEST_NAME) -> str:
    """Return an engine's words as one visible line."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return visible(_BREAKS.sub(" ", text).strip(), longest)


def infected(names: Iterable[bytes | str], scanner: str) -> VirusScan:
    """Return the finding of these names, each once; one without a name is "unnamed"."""
    known = dict.fromkeys(shown(name) or UNNAMED for name in names) or {UNNAMED: None}
    return VirusScan(viruses=tuple(Virus(name, scanner) for name in known))


def unchecked(kind: UncheckedKind, text: str) -> VirusScan:
    return VirusScan(unchecked=(Unchecked(kind, text),))


def joined(scans: Iterable[VirusScan]) -> VirusScan:
    """Return the findings of all these definite answers, each once."""
    scans = tuple(scans)
    return VirusScan(
        viruses=tuple(dict.fromkeys(virus for scan in scans for virus in scan.viruses or ())),
        unchecked=tuple(dict.fromkeys(item for scan in scans for item in scan.unchecked)),
    )
