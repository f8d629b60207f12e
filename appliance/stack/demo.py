"""`./postern demo`: five mails through the running appliance, and what became of each, in words.

It talks to the appliance as others do: SMTP to the filter, `policy set` and `mails list --json`.
If no stack runs, it starts one and stops it at the end.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from appliance.stack import launcher, seed
from appliance.stack.demo_mail import STORIES, Story
from appliance.stack.environment import (
    CHECKOUT,
    StackError,
    filter_address,
    for_commands,
    reachable,
    var_folder,
)
from appliance.stack.sending import send
from appliance.stack.stack import answers

_SETTLED_SECONDS = 60.0
_READY_SECONDS = 90.0
_WORDS = {
    "delivered": "delivered to the mailbox",
    "held": "held in quarantine",
    "discarded": "thrown away",
    "rejected": "refused",
    "bounced": "refused, and the sender told",
    "deferred": "put off; the sender tries again",
    "pending": "not settled yet",
}


@dataclass(slots=True)
class Recipient:
    """What the journal says about one recipient of one mail."""

    address: str
    category: str
    outcome: str
    reply: str
    reasons: list[str]

    @classmethod
    def read(cls, entry: Mapping[str, Any]) -> "Recipient":
        return cls(
            entry["address"],
            entry["category"],
            entry["outcome"],
            entry["reply"] or "",
            entry["reasons"],
        )


def demo(environ: Mapping[str, str]) -> int:
    """Tell the five stories; 0 if all came out as they should, else 1."""
    with _running_stack(environ):
        commands = for_commands(environ)
        sender = f"demo-{token_hex(4)}@example.org"
        right = [_tell(n, story, sender, commands) for n, story in enumerate(STORIES, 1)]
        print(f"\n{sum(right)} of {len(right)} stories came out as they should.")
        print(f"See them in the browser: {commands['WEB_PUBLIC_URL']}/quarantine/")
    return 0 if all(right) else 1


def _tell(number: int, story: Story, sender: str, environ: Mapping[str, str]) -> bool:
    """Send one mail, print what happened to each recipient; tell whether it is as it should be."""
    print(f"\n{number}. {story.title}", flush=True)
    for key, setting in story.policies:
        seed.manage(environ, "policy", "set", key, setting)
        print(f"   policy set {key} {setting}")
    octets = story.octets(sender)
    answer = send(filter_address(environ), sender, list(story.expected), octets)
    print(f"   The filter answered: {answer}")
    right = True
    for recipient in _journal(story, sender, environ):
        print(f"   {recipient.address}: {_WORDS.get(recipient.outcome, recipient.outcome)}")
        print(f"      found: {recipient.category}")
        for reason in recipient.reasons:
            print(f"      because: {reason}")
        if recipient.reply:
            print(f"      settled by: {recipient.reply}")
        expected = story.expected.get(recipient.address)
        if recipient.outcome != expected:
            print(f"      This is wrong: it should have been {expected}.")
            right = False
    return right


def _journal(story: Story, sender: str, environ: Mapping[str, str]) -> list[Recipient]:
    """Return the recipients of the mail as the journal has them, when all are settled."""
    until = time.monotonic() + _SETTLED_SECONDS
    while time.monotonic() < until:
        text = seed.manage(environ, "mails", "list", "--json", "--sender", sender)
        mails = [mail for mail in json.loads(text) if mail["subject"] == story.subject]
        if mails:
            recipients = [Recipient.read(entry) for entry in mails[0]["recipients"]]
            if all(recipient.outcome != "pending" for recipient in recipients):
                return recipients
        time.sleep(0.5)
    raise StackError(f"the journal has no settled mail with the subject {story.subject!r}")


def _wait_until_ready(environ: Mapping[str, str]) -> None:
    """Wait for a stack that another terminal starts just now.  Raises StackError."""
    until = time.monotonic() + _READY_SECONDS
    while not answers(f"http://{reachable(for_commands(environ)['WEB_LISTEN'])}/readyz"):
        if time.monotonic() > until:
            raise StackError("no mail would flow; `./postern manage health` tells why")
        time.sleep(0.5)


@contextmanager
def _running_stack(environ: Mapping[str, str]) -> Iterator[None]:
    """Use the stack that runs, or start one for as long as the demo takes."""
    if launcher.running(var_folder(environ)):
        _wait_until_ready(environ)
        yield
        return
    command = [
        *("setpriv", "--pdeathsig", "INT", "--"),
        *(sys.executable, "-m", "appliance.stack", "run"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT) as stack:
        try:
            for line in stack.stdout or ():
                print(line, end="", flush=True)
                if line == "ready\n":
                    yield
                    return
            raise StackError("the stack did not start")
        finally:
            stack.send_signal(signal.SIGINT)
            stack.wait()
