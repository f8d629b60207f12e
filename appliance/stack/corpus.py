"""`./postern corpus [DIR]`: the test mail through the appliance, and what was found per class.

Every mail goes over SMTP from a sender of its own, by which the journal tells it apart.  Reported
are the answers (one each; 5xx for readable mail is a fault), the viruses found against what is
known of the mail, and exceptions in the filter's log.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from secrets import token_hex
from typing import Any

from appliance.stack import launcher, samples, seed
from appliance.stack.environment import StackError, for_commands, var_folder
from appliance.stack.samples import Sample
from appliance.stack.sending import Answer, send

_AT_ONCE = 8
_LISTED = 20  # surprises shown by name
_RECIPIENT = "corpus@example.com"

Entry = dict[str, Any]  # one of `mails list --json`


def corpus(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Send the mail and report; 0 if each was answered and nothing broke, else 1."""
    given = arguments[0] if arguments else ""
    folder = samples.find(given, environ)
    if folder is None and (given or environ.get("POSTERN_CORPUS")):
        raise StackError(f"no MANIFEST.csv in {given or environ['POSTERN_CORPUS']}")
    if not launcher.running(var_folder(environ)):
        raise StackError("no stack runs: start one with ./postern run in another terminal")
    print(f"Test mail: {folder or 'a small set of our own'}", flush=True)
    mails = list(samples.read(folder) if folder else samples.generated())
    log = _Log(var_folder(environ) / "log" / "filter.log")
    commands = for_commands(environ)
    domain = f"{token_hex(4)}.example.net"
    answers = _send_all(mails, domain, commands["FILTER_LISTEN"])
    found = _journal(mails, domain, commands)
    _print_table(mails, answers, found)
    refused = [m.name for m in mails if m.readable and not 200 <= answers[m.name].code < 500]
    lost = [m.name for m in mails if answers[m.name].code == 250 and m.name not in found]
    missed = [
        m.name for m in mails if m.eicar == "yes" and not found.get(m.name, {}).get("viruses")
    ]
    false = [m.name for m in mails if m.eicar == "no" and found.get(m.name, {}).get("viruses")]
    exceptions = log.exceptions()
    _print_list("readable mail refused or not answered", refused)
    _print_list("accepted mail that the journal does not know", lost)
    _print_list("virus not found", missed)
    _print_list("virus found where none is", false)
    _print_list("exceptions in the filter's log", exceptions)
    return 1 if refused or lost or exceptions else 0


class _Log:
    """The filter's log from now on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start = path.stat().st_size if path.exists() else 0

    def exceptions(self) -> list[str]:
        """Return the last line of each traceback since the start."""
        text = self._path.read_bytes()[self._start :].decode("utf-8", "replace")
        _, *tracebacks = text.split("Traceback (most recent call last)")
        return [_last_of_traceback(traceback) for traceback in tracebacks]


def _last_of_traceback(text: str) -> str:
    lines = text.splitlines()[1:]
    return next((line for line in lines if line and not line.startswith(" ")), "unknown")


def _send_all(mails: Sequence[Sample], domain: str, address: str) -> dict[str, Answer]:
    """Return the answer to each mail by its name; code 0 where the connection broke."""

    def one(number: int) -> Answer:
        if number and number % 200 == 0:
            print(f"  {number} of {len(mails)} sent", flush=True)
        try:
            return send(address, f"m{number}@{domain}", [_RECIPIENT], mails[number].octets)
        except OSError as error:
            return Answer(0, str(error))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = list(pool.map(one, range(len(mails))))
    return {mail.name: answer for mail, answer in zip(mails, answers, strict=True)}


def _journal(mails: Sequence[Sample], domain: str, environ: Mapping[str, str]) -> dict[str, Entry]:
    """Return what the journal says of each mail by its name."""
    text = seed.manage(
        environ, "mails", "list", "--json", "--since", "1d", "--limit", str(10 * len(mails) + 1000)
    )
    senders = {f"m{number}@{domain}": mail.name for number, mail in enumerate(mails)}
    return {
        senders[entry["mail_from"]]: entry
        for entry in json.loads(text)
        if entry["mail_from"] in senders
    }


def _print_table(
    mails: Sequence[Sample], answers: Mapping[str, Answer], found: Mapping[str, Entry]
) -> None:
    """Print one row per class: answers, and what the recipients' verdicts were."""
    columns = ("mails", "2xx", "4xx", "5xx", "virus", "banned", "spam", "spammy", "unchecked")
    print(f"{'class':16}" + "".join(f"{column:>10}" for column in columns))
    for group in sorted({mail.group for mail in mails}):
        names = [mail.name for mail in mails if mail.group == group]
        codes = [answers[name].code // 100 for name in names]
        categories = [found[name]["recipients"][0]["category"] for name in names if name in found]
        counts = [len(names), *(codes.count(code) for code in (2, 4, 5))]
        counts += [categories.count(category) for category in columns[4:]]
        print(f"{group:16}" + "".join(f"{count:>10}" for count in counts))


def _print_list(title: str, names: Sequence[str]) -> None:
    print(f"{title}: {len(names)}")
    for name in names[:_LISTED]:
        print(f"  {name}")
