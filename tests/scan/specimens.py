"""Messages with unpacked parts, as the spool holds them."""

from pathlib import Path

from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import Specimen
from smtpfilter.ports.unpacking import PartFile


def specimen(folder: Path, message: bytes, *parts: bytes, hidden: bool = True) -> Specimen:
    """Return a message in `folder`, with its parts as 0001, 0002, ... beside it."""
    file = folder / "message"
    file.write_bytes(message)
    files = []
    for number, content in enumerate(parts, 1):
        path = folder / "parts" / f"{number:04}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        files.append(PartFile(path, hidden))
    return Specimen(SpooledMail(message, "", file, folder), tuple(files))
