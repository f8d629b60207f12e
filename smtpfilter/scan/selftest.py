"""Does a virus scanner find the EICAR test file?  One that answers OK to all is a fault (A8)."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from smtpfilter.mail.octets import SpooledMail
from smtpfilter.ports.engines import ScannerFailed, Specimen, VirusScan, VirusScanner
from smtpfilter.scan.content import eicar


@dataclass(frozen=True, slots=True)
class SelfTest:
    """`spool_dir`: where scanners that read paths find the test file.  It is no secret: whoever
    asks, every scanner's user may read it.
    """

    spool_dir: Path

    def run(self, scanner: VirusScanner, seconds: float) -> None:
        """Raises ScannerFailed unless it finds EICAR."""
        if not self.scan(scanner, seconds).viruses:
            raise ScannerFailed("it does not find the EICAR test file: are its signatures there?")

    def scan(self, scanner: VirusScanner, seconds: float) -> VirusScan:
        """Return what it says about EICAR.  Raises ScannerFailed."""
        if not scanner.needs_files:
            return scanner.scan(_specimen(Path("/nonexistent")), seconds)
        with self._folder() as folder:
            return scanner.scan(_specimen(folder), seconds)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """Give a folder as a message's, for everybody to read."""
        try:
            with tempfile.TemporaryDirectory(prefix="postern.test.", dir=self.spool_dir) as name:
                folder, message = Path(name), Path(name, "message")
                message.write_bytes(eicar())
                folder.chmod(0o755)
                message.chmod(0o644)
                yield folder
        except OSError as error:
            raise ScannerFailed(f"the test file cannot be laid before it: {error}") from error


def _specimen(folder: Path) -> Specimen:
    return Specimen(SpooledMail(eicar(), "", folder / "message", folder))
