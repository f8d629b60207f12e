"""`./postern corpus [DIR]`: the test mail through the appliance, and what was found per class.

Every mail goes over SMTP from a sender of its own, by which the journal and the demo mailbox tell
it apart.  A fault is: readable mail refused, accepted mail that the journal does not know, a
delivery that is lost, doubled or changed, an exception in the filter's log, a claim of the manifest
(claims.py) that the appliance did not see.
"""

import json
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex

from appliance.stack import delivered, launcher, samples, seed
from appliance.stack.corpus_report import Trial, report
from appliance.stack.environment import StackError, filter_address, for_commands, var_folder
from appliance.stack.samples import Sample
from appliance.stack.sending import Answer, send

_AT_ONCE = 8
_RECIPIENT = "corpus@example.com"


def corpus(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Send the mail and report; 0 if nothing went wrong and nothing was missed, else 1."""
    var = var_folder(environ)
    if not launcher.running(var):
        raise StackError("no stack runs: start one with ./postern run in another terminal")
    mails = _mails(arguments[0] if arguments else "", environ)
    log = _Log(var / "log" / "filter.log")
    trials = _try(mails, var, for_commands(environ))
    return 1 if report(trials, log.exceptions()) else 0


class _Log:
    """The filter's log from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = path.stat().st_size

    def exceptions(self) -> list[str]:
        """Return the last line of each traceback since the start."""
        text = self._path.read_bytes()[self._start :].decode("utf-8", "replace")
        _, *tracebacks = text.split("Traceback (most recent call last)")
        return [_last_line(traceback) for traceback in tracebacks]


def _last_line(traceback: str) -> str:
    lines = traceback.splitlines()[1:]
    return next((line for line in lines if line and not line.startswith(" ")), "unknown")


def _mails(given: str, environ: Mapping[str, str]) -> list[Sample]:
    folder = samples.find(given, environ)
    if folder is None and (given or environ.get("POSTERN_CORPUS")):
        raise StackError(f"no MANIFEST.csv in {given or environ['POSTERN_CORPUS']}")
    print(f"Test mail: {folder or 'a small set of our own'}", flush=True)
    return list(samples.read(folder) if folder else samples.generated())


def _try(mails: Sequence[Sample], var: Path, environ: Mapping[str, str]) -> list[Trial]:
    """Send all mails, then ask the journal and the demo mailbox what came of them."""
    domain = f"{token_hex(4)}.example.net"
    senders = [f"m{number}@{domain}" for number in range(len(mails))]

    def one(number: int) -> tuple[Answer, float]:
        if number and number % 200 == 0:
            print(f"  {number} of {len(mails)} sent", flush=True)
        begun = time.monotonic()
        try:
            octets = mails[number].octets
            answer = send(filter_address(environ), senders[number], [_RECIPIENT], octets)
        except OSError as error:
            answer = Answer(0, str(error))
        return answer, time.monotonic() - begun

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(one, range(len(mails))))
    limit = str(2 * len(mails) + 1000)  # others' mail may lie in between
    text = seed.manage(
        environ, "mails", "list", "--json", "--full", "--since", "1d", "--limit", limit
    )
    journal = {entry["mail_from"]: entry for entry in json.loads(text)}
    copies = delivered.by_sender(var / "inbox", domain)
    ours = (var / "run" / "mailbox.pid").exists()
    return [
        Trial(
            mail, answer, journal.get(sender, {}), copies.get(sender, ()) if ours else None, seconds
        )
        for mail, (answer, seconds), sender in zip(mails, answers, senders, strict=True)
    ]
