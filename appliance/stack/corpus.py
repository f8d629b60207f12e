"""`./postern corpus [DIR]`: the test mail through the appliance, and what was found per class.

Every mail goes over SMTP from a sender of its own, by which the journal and the demo mailbox tell
it apart.  A fault is: readable mail refused, accepted mail that the journal does not know, a
delivery that is lost, doubled or changed, an exception in the filter's log.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from appliance.stack import delivered, launcher, samples, seed
from appliance.stack.environment import StackError, filter_address, for_commands, var_folder
from appliance.stack.samples import Sample
from appliance.stack.sending import Answer, send

Entry = Mapping[str, Any]  # one of `mails list --json`

_AT_ONCE = 8
_LISTED = 20  # mails shown by name in each list
_RECIPIENT = "corpus@example.com"


@dataclass(frozen=True, slots=True)
class Trial:
    """One mail and what came of it."""

    mail: Sample
    answer: Answer  # code 0 where the connection broke
    entry: Entry  # empty where the journal has none
    copies: Sequence[bytes] | None  # what the demo mailbox got; None where it is not ours

    @property
    def recipient(self) -> Entry:
        recipients: Sequence[Entry] = self.entry.get("recipients", ())
        return recipients[0] if recipients else {}

    @property
    def refused(self) -> bool:
        return self.mail.readable and not 200 <= self.answer.code < 500

    @property
    def unknown(self) -> bool:
        return self.answer.code == 250 and not self.recipient

    @property
    def changed(self) -> bool:
        """Tell whether the mailbox differs from the journal: one copy with its body, or none."""
        if self.copies is None:
            return False
        expected = 1 if self.recipient.get("outcome") == "delivered" else 0
        if len(self.copies) != expected:
            return True
        return not all(delivered.unchanged(self.mail.octets, copy) for copy in self.copies)

    @property
    def missed(self) -> bool:
        return self.mail.eicar == "yes" and not self.entry.get("viruses")

    @property
    def false_alarm(self) -> bool:
        return self.mail.eicar == "no" and bool(self.entry.get("viruses"))


def corpus(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Send the mail and report; 0 if there was no fault, else 1."""
    var = var_folder(environ)
    if not launcher.running(var):
        raise StackError("no stack runs: start one with ./postern run in another terminal")
    mails = _mails(arguments[0] if arguments else "", environ)
    log = _Log(var / "log" / "filter.log")
    trials = _try(mails, var, for_commands(environ))
    exceptions = log.exceptions()
    _print_table(trials)
    _print_list("readable mail refused or not answered", [t for t in trials if t.refused])
    _print_list("accepted mail that the journal does not know", [t for t in trials if t.unknown])
    _print_list("lost, doubled or changed on its way", [t for t in trials if t.changed])
    _print_list("virus not found", [t for t in trials if t.missed])
    _print_list("virus found where none is", [t for t in trials if t.false_alarm])
    print(f"exceptions in the filter's log: {len(exceptions)}", *exceptions, sep="\n  ")
    faults = [t for t in trials if t.refused or t.unknown or t.changed]
    return 1 if faults or exceptions else 0


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

    def one(number: int) -> Answer:
        if number and number % 200 == 0:
            print(f"  {number} of {len(mails)} sent", flush=True)
        try:
            octets = mails[number].octets
            return send(filter_address(environ), senders[number], [_RECIPIENT], octets)
        except OSError as error:
            return Answer(0, str(error))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(one, range(len(mails))))
    limit = str(2 * len(mails) + 1000)  # others' mail may lie in between
    text = seed.manage(environ, "mails", "list", "--json", "--since", "1d", "--limit", limit)
    journal = {entry["mail_from"]: entry for entry in json.loads(text)}
    copies = delivered.by_sender(var / "inbox", domain)
    ours = (var / "run" / "mailbox.pid").exists()
    return [
        Trial(mail, answer, journal.get(sender, {}), copies.get(sender, ()) if ours else None)
        for mail, answer, sender in zip(mails, answers, senders, strict=True)
    ]


def _print_table(trials: Sequence[Trial]) -> None:
    """Print one row per class: the answers, and what the journal calls the mails."""
    columns = ("mails", "2xx", "4xx", "5xx", "virus", "banned", "spam", "spammy", "unchecked")
    print(f"{'class':16}" + "".join(f"{column:>10}" for column in columns))
    for group in sorted({trial.mail.group for trial in trials}):
        of_group = [trial for trial in trials if trial.mail.group == group]
        codes = [trial.answer.code // 100 for trial in of_group]
        categories = [trial.recipient.get("category") for trial in of_group]
        counts = [len(of_group), *(codes.count(code) for code in (2, 4, 5))]
        counts += [categories.count(category) for category in columns[4:]]
        print(f"{group:16}" + "".join(f"{count:>10}" for count in counts))


def _print_list(title: str, trials: Sequence[Trial]) -> None:
    print(f"{title}: {len(trials)}")
    for trial in trials[:_LISTED]:
        print(f"  {trial.mail.name}: {trial.answer}")
