"""Making text from mail safe to look at.  Escaping is the template's work; this is about what a
reader is tricked by.
"""

import re

from smtpfilter.mail.findings import visible

# Bidirectional controls turn "exe.pdf" into "fdp.exe"; the invisible ones hide differences between
# two names.
# ZWJ and ZWNJ stay: Persian, Indic scripts and emoji need them.
_DECEIVING = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")


def shown(text: object) -> str:
    """Return `text` with control characters as U+FFFD and deceiving ones spelled out, as in
    "[U+202E]".

    Spelled before it is cut to 20,000 characters; None gives "".
    """
    if text is None:
        return ""
    return visible(_DECEIVING.sub(lambda found: f"[U+{ord(found[0]):04X}]", str(text)), 20000)
