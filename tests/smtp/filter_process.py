"""A whole filter as a process of its own, with a handler that only waits.

A message `seconds: N` takes so long; the reply names the worker's process.
"""

import os
import sys
import time
from collections.abc import Sequence

from smtpfilter import supervisor
from smtpfilter.config import FilterConfig
from smtpfilter.mail.envelope import Envelope
from smtpfilter.mail.octets import SpooledMail
from smtpfilter.mail.reply import Reply


class WaitingHandler:
    def __init__(self) -> None:
        if os.environ.get("FAIL_TO_START"):
            raise RuntimeError("no handler today")
        time.sleep(float(os.environ.get("SECONDS_TO_START", "0")))

    def process(self, envelope: Envelope, mail: SpooledMail) -> Sequence[Reply]:
        time.sleep(float(bytes(mail.octets).removeprefix(b"seconds: ")))
        return [Reply(250, "2.0.0", f"worker {os.getpid()}")]

    def close(self) -> None:
        """Hold nothing open."""


if __name__ == "__main__":
    foreground = "--foreground" in sys.argv
    config = FilterConfig.from_environment()
    sys.exit(supervisor.run(config, WaitingHandler, foreground=foreground))
