"""Office documents with a password that everybody has: Office's own, or a word of the mail (Z4).

Excel and PowerPoint open a document of their fixed passwords without asking, so that nothing but a
virus scanner is kept out.  Runs in a child process only.

Source: [MS-OFFCRYPTO] 2.3.4; [MS-XLS] 2.2.10 and [MS-PPT] 2.3.7 for the fixed passwords.
"""

import io
import re
from collections.abc import Sequence

import msoffcrypto

from smtpfilter.unpack.limits import Budget, Unlookable

_FIXED = ("VelvetSweatshop", "/01Hannes Ruescher/01")
_MOST_TRIED = 12  # each costs up to a tenth of a second
_SPINS = re.compile(rb"spinCount=[\"'](\d{1,12})")
_MOST_SPINS = 100_000  # what Office writes; a document may ask for any number
_DOCTYPE = b"<!"  # the library's XML parser would expand entities (Z9)


def decrypted(content: bytes, info: bytes, passwords: Sequence[str], budget: Budget) -> bytes:
    """Return the document in the clear, b"" where none of the passwords opens it.

    `info`: its stream EncryptionInfo, if it has one.  Raises Unlookable where a limit is reached.
    """
    if _DOCTYPE in info or any(int(spins) > _MOST_SPINS for spins in _SPINS.findall(info)):
        return b""
    for password in (*_FIXED, *passwords)[:_MOST_TRIED]:
        budget.spend_bytes(0)
        try:
            return _opened(content, password, budget)
        except (Unlookable, MemoryError):
            raise
        except Exception:  # noqa: BLE001, S112 - a wrong password and damage fail in many ways
            continue
    return b""


def _opened(content: bytes, password: str, budget: Budget) -> bytes:
    document = msoffcrypto.OfficeFile(io.BytesIO(content))
    options = {"verify_password": True} if document.format == "ooxml" else {}
    document.load_key(password=password, **options)
    budget.spend_bytes(len(content))
    unlocked = io.BytesIO()
    document.decrypt(unlocked)
    return unlocked.getvalue()
