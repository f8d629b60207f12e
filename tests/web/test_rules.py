"""The rules of a message on its page: each person sees the report of his own recipients (S-1)."""

from dataclasses import replace
from typing import Any

from smtpfilter.mail.findings import Findings, Rule, SpamReport, Virus
from smtpfilter.policy.defaults import DEFAULTS
from smtpfilter.policy.layers import EffectivePolicy
from tests.evidence.builders import held
from tests.web.conftest import Cast, record

SITE = SpamReport(7.25, (Rule("SITE_RULE", 7.25),))
HERS = SpamReport(9.5, (Rule("HER_RULE", 9.5, "because of her"),), preferences="olga")
BOTH = Findings(spam=SITE, spam_for={"olga": HERS})


def page(cast: Cast, role: str, view: str, findings: Findings = BOTH) -> str:
    own = replace(DEFAULTS, sa_userconf="sql:", sa_username="olga")
    olga = held("olga@example.com", policy=EffectivePolicy(own, {}, local=True), score=9.5)
    other: Any = held("other@example.com", score=7.25)
    row = record(olga, other, findings=findings)
    address = f"/mails/{row.mail.mail_id}/?view={view}"
    return cast.client(role).get(address).content.decode()


def test_who_sees_one_recipient_sees_one_report(cast: Cast) -> None:
    for view, mine, others in (("rules", "HER_RULE", "SITE_RULE"), ("why", "9.5", "7.25")):
        shown = page(cast, "owner", view)
        assert mine in shown
        assert others not in shown


def test_who_sees_all_recipients_sees_for_whom_each_report_counts(cast: Cast) -> None:
    rules = page(cast, "administrator", "rules")
    assert rules.index("olga@example.com") < rules.index("HER_RULE") < rules.index("SITE_RULE")
    assert "By spamd, with the preferences of <bdi>olga</bdi>" in rules
    why = page(cast, "administrator", "why")
    assert "9.5 for <bdi>olga@example.com</bdi>; 7.25 for <bdi>other@example.com</bdi>" in why


def test_a_scan_that_failed_for_one_is_told_where_he_is(cast: Cast) -> None:
    """S-5."""
    failed = Findings(spam=SITE, spam_failure="spamd: no answer")
    shown = page(cast, "owner", "rules", failed)
    assert "The spam engine gave no answer: <bdi>spamd: no answer</bdi>" in shown
    assert "SITE_RULE" not in shown


def test_a_sign_of_spam_is_told_from_a_virus(cast: Cast) -> None:
    """V-4."""
    found = (Virus("Phish.A", "clamd", 0.1), Virus("Worm.B", "sophie"))
    shown = page(cast, "administrator", "why", replace(BOTH, viruses=found))
    assert "<bdi>Phish.A</bdi> (clamd, a sign of spam: 0.1)" in shown
    assert "<bdi>Worm.B</bdi> (sophie)" in shown
