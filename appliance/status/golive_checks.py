"""What each step of going live looks like now: facts are gathered once, then looked at.

A check says True or False only where it can know; where Postfix runs on another machine, the step
is the person's to judge, and the sentence says how.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings

from appliance.domains.models import Domain
from appliance.engines import bayes
from appliance.policies.inherit import chain_of
from appliance.policies.labels import points
from appliance.status.golive import CAREFUL, LOWERED, SURE
from appliance.status.health import greeting
from appliance.status.models import SiteSettings
from appliance.status.postfix import Listener, Postfix, read_postfix
from appliance.status.probe import Probe
from smtpfilter.config import Endpoint, FilterConfig
from smtpfilter.policy.lookup import SITE

SMTP = Endpoint(host="127.0.0.1", port=25)
ELSEWHERE = "There is no Postfix on this machine to be asked."
SAMPLE = "example.com"  # the local domain of a fresh stack
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the checks look at.  `answers`: greetings of "postfix", "filter" and "hop".
    `told`: who hears of infected mail.  `kill`: the site's kill level.
    """

    hostname: str
    domains: tuple[str, ...]
    told: str
    kill: float
    row: SiteSettings
    learnt: bayes.Counts
    config: FilterConfig
    postfix: Postfix | None
    answers: Mapping[str, Probe]


@dataclass(frozen=True, slots=True)
class Check:
    """`ok`: None where it cannot be known from here."""

    ok: bool | None
    says: str


def gather() -> Facts:
    """Return the facts.  Raises ConfigError."""
    config = FilterConfig.from_environment()
    asked = {"postfix": SMTP, "filter": config.listen[0], "hop": config.relay}
    with ThreadPoolExecutor(len(asked) + 1) as pool:
        postfix = pool.submit(read_postfix)
        answers = {name: pool.submit(greeting, endpoint) for name, endpoint in asked.items()}
        policy = chain_of(SITE).values
        return Facts(
            hostname=settings.APPLIANCE_HOSTNAME,
            domains=tuple(Domain.objects.values_list("name", flat=True)),
            told=policy.virus_admin or "",
            kill=policy.spam_kill_level or 0.0,
            row=SiteSettings.load(),
            learnt=bayes.counts(),
            config=config,
            postfix=postfix.result(),
            answers={name: answer.result() for name, answer in answers.items()},
        )


def check_all(facts: Facts) -> dict[str, Check]:
    """Return what each step looks like; the step `mails` is judged by the mail itself."""
    return {name: check(facts) for name, check in _CHECKS.items()}


def _name(facts: Facts) -> Check:
    if "." not in facts.hostname:
        return Check(False, f"It is called {facts.hostname}, which nobody else can look up.")
    return Check(True, f"It is called {facts.hostname}.")


def _domains(facts: Facts) -> Check:
    real = [name for name in facts.domains if name != SAMPLE]
    if not real and facts.domains:
        return Check(False, f"No domain of yours is local yet, only {SAMPLE}, which is a sample.")
    if not real:
        return Check(False, "No domain of yours is local yet.")
    return Check(True, f"Local: {', '.join(real[:5])}{' and more' if len(real) > 5 else ''}.")


def _reports(facts: Facts) -> Check:
    return Check(bool(facts.told), f"{facts.told or 'Nobody'} hears of infected mail.")


def _careful(facts: Facts) -> Check:
    held = f"Spam is held from {points(facts.kill)} points on."
    return Check(facts.kill >= float(CAREFUL[0]), held)


def _postfix(facts: Facts) -> Check:
    if facts.postfix is None:
        return Check(None, f"{ELSEWHERE} Send the mail on your mail server.")
    return Check(facts.answers["postfix"].ok, facts.answers["postfix"].detail)


def _filter(facts: Facts) -> Check:
    return Check(facts.answers["filter"].ok, facts.answers["filter"].detail)


def _hop(facts: Facts) -> Check:
    answer = facts.answers["hop"]
    if not answer.ok:
        return Check(False, answer.detail)
    listener = _own_listener(facts)
    if listener is None:
        return Check(None, f"{answer.detail}. Whether it filters again, only its master.cf says.")
    if listener.filters is None:
        return Check(False, f"{listener.name} in master.cf filters again: add -o content_filter=")
    if listener.filters:
        return Check(False, f"{listener.name} filters again, by {listener.filters}.")
    return Check(True, f"{answer.detail}, and does not filter again.")


def _ports(facts: Facts) -> Check:
    postfix, listen, relay = facts.postfix, facts.config.listen, facts.config.relay
    if postfix is None:
        want = ", ".join(map(str, listen))
        return Check(None, f"{ELSEWHERE} It has to send to {want}, and to listen on {relay}.")
    ports = {str(endpoint.port) for endpoint in listen}
    if postfix.filter_port and postfix.filter_port not in ports:
        return Check(
            False,
            f"Postfix sends to port {postfix.filter_port}, the filter listens on {listen[0]}.",
        )
    if _own_listener(facts) is None:
        return Check(False, f"No line of master.cf listens on {relay}, the filter’s next hop.")
    return Check(True, f"To the filter at {listen[0]}, back to Postfix at {relay}.")


def _own_listener(facts: Facts) -> Listener | None:
    """Return the line of master.cf that is the filter's next hop."""
    relay = facts.config.relay
    if facts.postfix is None or relay.host not in _LOOPBACK:
        return None
    return facts.postfix.listener(relay.port)


def _switch(facts: Facts) -> Check:
    if facts.postfix is None:
        return Check(None, f"{ELSEWHERE} Set content_filter on your mail server.")
    used = facts.postfix.content_filter
    return Check(bool(used), f"content_filter is {used or 'empty'}.")


def _network(facts: Facts) -> Check:
    on = facts.row.network_tests
    return Check(on, "They are on." if on else "They are off.")


def _bayes(facts: Facts) -> Check:
    return Check(facts.learnt.active, f"{facts.learnt}.")


def _threshold(facts: Facts) -> Check:
    learns = facts.row.bayes_auto_learn_threshold_spam
    return Check(learns <= SURE, f"It learns spam from {points(learns)} points on.")


def _kill(facts: Facts) -> Check:
    return Check(facts.kill <= LOWERED, f"Spam is held from {points(facts.kill)} points on.")


_CHECKS: dict[str, Callable[[Facts], Check]] = {
    "name": _name,
    "domains": _domains,
    "reports": _reports,
    "careful": _careful,
    "postfix": _postfix,
    "filter": _filter,
    "hop": _hop,
    "ports": _ports,
    "switch": _switch,
    "network": _network,
    "bayes": _bayes,
    "threshold": _threshold,
    "kill": _kill,
}
