"""Going live: what has to be done before an appliance filters the mail of a site, step by step.

A step is done once a person says so, or by its own button; it stays done.  What a step looks like
now, its check says (golive_checks.py).
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from django.db import transaction

from appliance.domains.edit import add_domain
from appliance.errors import Already, Refused, Unknown
from appliance.policies.edit import change_fields
from appliance.status.edit import set_settings
from appliance.status.models import GoingLiveStep
from smtpfilter.mail.findings import visible
from smtpfilter.policy.lookup import SITE

CAREFUL = ("8", "10")  # kill levels to begin with
LOWERED = 6.3  # the kill level of a site that knows its mail
SURE = 8.0  # learnt as spam from, once Bayes knows enough
_TOLD_OF = ("virus_admin", "banned_admin", "unchecked_admin")

Deed = Literal["", "domain", "reports", "kill", "mails", "learn"]


@dataclass(frozen=True, slots=True)
class Step:
    """`deed`: what its own button does, "" where it has none."""

    name: str
    title: str
    text: str
    deed: Deed = ""


STEPS = (
    Step(
        "name",
        "The appliance has a name",
        "It stands in replies, in headers and in the sender of notices. Set APPLIANCE_HOSTNAME to"
        " a full host name and start Postern again.",
    ),
    Step(
        "domains",
        "Your domains are local",
        "Mail for a local domain counts as incoming; all else is outgoing or foreign.",
        "domain",
    ),
    Step(
        "reports",
        "Somebody gets the reports",
        "Who is told of infected mail, banned files, and mail that could not be looked into. Of"
        " spam nobody is told: there is too much of it.",
        "reports",
    ),
    Step(
        "careful",
        "A careful start",
        "At first hold only what is spam beyond doubt. Mail in between is marked in its header, so"
        " that you learn what your mail scores.",
        "kill",
    ),
    Step(
        "postfix",
        "Postfix works alone",
        "Send a mail through Postfix without the filter and see that it arrives: what does not work"
        " now will not work with a filter in it.",
    ),
    Step(
        "filter",
        "The filter answers",
        "Postfix hands mail to this port. Nothing sends mail there yet.",
    ),
    Step(
        "hop",
        "The next hop answers",
        "The filter hands mail back to Postfix at a port of its own (FILTER_RELAY), which in"
        " master.cf has -o content_filter= set: or mail would go round in circles.",
    ),
    Step(
        "ports",
        "Postfix and the filter agree on the ports",
        "The content_filter of Postfix has to name the port that the filter listens on, and the"
        " filter’s next hop has to be a line of master.cf.",
    ),
    Step(
        "mails",
        "Test mail arrives as told",
        "Four mails go through the filter: a harmless one, which really arrives, the test virus"
        " EICAR, the test spam GTUBE, and a program. The last three have to be stopped.",
        "mails",
    ),
    Step(
        "switch",
        "The filter is on",
        "In main.cf set content_filter = postern:[127.0.0.1]:10025 (your own transport and port)"
        " and reload Postfix. To go back, take the line out again.",
    ),
    Step(
        "network",
        "Network tests are on",
        "Block lists and checksums find much of the spam that rules alone do not. Switch them on"
        " once mail flows.",
    ),
    Step(
        "bayes",
        "Bayes knows 200 of each",
        "Bayes scores mail once it has learnt 200 spam and 200 wanted messages: by itself, or from"
        " mail that people have sorted.",
    ),
    Step(
        "threshold",
        "Bayes learns from more mail",
        "Spam teaches Bayes by itself from 12 points on. Once it scores, 8 is safe, and it learns"
        " faster; not lower, or wanted mail will be among it.",
        "learn",
    ),
    Step(
        "kill",
        "The kill level is lowered",
        "After a week or two look at what scored between the levels. Where no wanted mail is among"
        " it, lower the kill level to 6.3; the form shows what would have changed.",
    ),
)
BY_NAME = {step.name: step for step in STEPS}


def done_steps() -> dict[str, GoingLiveStep]:
    """Return the steps that are done, by name."""
    return {row.step: row for row in GoingLiveStep.objects.filter(step__in=BY_NAME)}


@transaction.atomic
def mark_done(*, step: str, actor: str) -> GoingLiveStep:
    """Note that the step is done.  Raises Unknown."""
    if step not in BY_NAME:
        raise Unknown(f"there is no step {step!r}; the steps are: {', '.join(BY_NAME)}")
    row, _ = GoingLiveStep.objects.get_or_create(
        step=step, defaults={"done_by": visible(actor, 254)}
    )
    return row


@transaction.atomic
def open_again(*, step: str) -> None:
    """Take the step for not done.  Raises Refused where it is not."""
    if not GoingLiveStep.objects.filter(step=step).delete()[0]:
        raise Refused(f"{step!r} is not done")


@transaction.atomic
def make_local(*, name: str, actor: str) -> None:
    """Make a domain local: the step `domains`.  Raises Refused."""
    with suppress(Already):  # it is what the step asks for
        add_domain(name=name, actor=actor)
    mark_done(step="domains", actor=actor)


@transaction.atomic
def send_reports(*, address: str, actor: str) -> None:
    """Tell `address` of what is stopped, but for spam: the step `reports`.  Raises Refused."""
    change_fields(key=SITE, values=dict.fromkeys(_TOLD_OF, address), actor=actor)
    mark_done(step="reports", actor=actor)


@transaction.atomic
def start_carefully(*, level: str, actor: str) -> None:
    """Hold spam of the whole site from `level` on, one of CAREFUL: the step `careful`.  Raises
    Refused.
    """
    if level not in CAREFUL:
        raise Refused(f"{level!r} is no careful start: choose {' or '.join(CAREFUL)}")
    change_fields(key=SITE, values={"spam_kill_level": level}, actor=actor)
    mark_done(step="careful", actor=actor)


@transaction.atomic
def learn_from_more(*, actor: str) -> None:
    """Let Bayes learn spam from SURE points on: the step `threshold`.  Raises Refused."""
    set_settings(values={"bayes_auto_learn_threshold_spam": SURE}, actor=actor)
    mark_done(step="threshold", actor=actor)
