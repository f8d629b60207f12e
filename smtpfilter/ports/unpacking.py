"""Looking into a message: its parts, and the files that are made of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from smtpfilter.mail.findings import Part, Unchecked
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.policy.site import Limits


@dataclass(frozen=True, slots=True)
class PartFile:
    """A decoded content in the message's spool folder, for virus scanners.

    `hidden`: a scanner that is given the raw message may not find it there, since it was packed,
    or encoded in a way that programs read differently.
    """

    path: Path
    hidden: bool


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What was found in a message, and what could not be looked into."""

    parts: tuple[Part, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    files: tuple[PartFile, ...] = ()


class Unpacker(Protocol):
    def unpack(self, mail: SpooledMail, limits: Limits, *, all_files: bool = False) -> Unpacked:
        """Return what is in the message; its files lie in `mail.folder`.  Never raises on content;
        Overloaded where there is no child or no room.

        `all_files`: also contents that stand openly in the mail become files.
        """
        ...

    def stop(self) -> None:
        """End the child processes."""
        ...
