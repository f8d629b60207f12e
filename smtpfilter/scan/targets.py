"""What a scanner that reads paths is told to look at: the folder of parts, and the message's file.

The message is scanned as it is, beside what was unpacked from it (V-1).  Where nothing was
unpacked, the message is all there is.
"""

from pathlib import Path

from smtpfilter.ports.engines import Specimen


def folder_and_message(specimen: Specimen) -> tuple[str, ...]:
    """Return the parts' folder, with a slash behind it, and the message's file."""
    folders = dict.fromkeys(file.path.parent for file in specimen.files)
    return (*(f"{folder}/" for folder in folders), str(specimen.mail.path))


def each_file(specimen: Specimen) -> tuple[Path, ...]:
    """Return the message's file and every part's."""
    return (specimen.mail.path, *(file.path for file in specimen.files))
