"""The why panel: reasons, category, what would have let it through, and each setting's origin."""

from smtpfilter.mail.findings import Authentication, Findings, Signature
from smtpfilter.policy.defaults import DEFAULTS
from smtpfilter.policy.layers import EffectivePolicy
from smtpfilter.policy.settings import (
    FIELDS,
)
from tests.evidence.builders import held
from tests.web.conftest import Cast, record

POLICY = EffectivePolicy(
    DEFAULTS,
    {
        **dict.fromkeys(FIELDS, "default"),
        "spam_kill_level": "example.com (policy strict)",
        "spam_tag2_level": "@.",
        "virus_lover": "profile outbound",
    },
    local=True,
)
REMEDY = "a kill level above 1005.3 (spam_kill_level) <b>would</b> have"


def _page(cast: Cast, role: str) -> str:
    row = record(held("olga@example.com", policy=POLICY, let_through=(REMEDY,)))
    return cast.client(role).get(f"/mails/{row.mail.mail_id}/").content.decode()


def test_the_deciding_category_and_what_would_have_let_it_through_are_shown(cast: Cast) -> None:
    page = _page(cast, "owner")

    assert ">Spam</span>" in page
    assert "Score 1005.3 reaches the kill level 6.3" in page
    assert "What would have let it through" in page
    assert "A kill level above 1005.3 (spam_kill_level) &lt;b&gt;would&lt;/b&gt; have" in page


def test_each_setting_has_its_origin_with_a_link_for_those_who_may_look(cast: Cast) -> None:
    page = _page(cast, "manager")

    link = '<a href="/policies/example.com/"><bdi>example.com (policy strict)</bdi></a>'
    assert link in page
    assert "<bdi>the site</bdi>" in page
    assert "/policies/@./" not in page
    assert "<bdi>profile outbound</bdi>" in page
    assert "<bdi>Postern’s default</bdi>" in page


def test_the_other_views_do_without_the_settings(cast: Cast) -> None:
    row = record()

    page = cast.client("owner").get(f"/mails/{row.mail.mail_id}/?view=parts").content.decode()

    assert "All settings" not in page


def test_the_proof_of_the_sender_is_shown(cast: Cast) -> None:
    proof = Authentication(
        spf="pass",
        spf_domain="sender.example",
        signatures=(Signature("<i>.example", "s1", "fail"),),
        dmarc="fail",
        dmarc_policy="reject",
    )
    row = record(held("olga@example.com"), findings=Findings(authentication=proof))

    page = cast.client("owner").get(f"/mails/{row.mail.mail_id}/").content.decode()

    assert "SPF pass (<bdi>sender.example</bdi>); DKIM fail (<bdi>&lt;i&gt;.example</bdi>);" in page
    assert "DMARC fail, the domain asks: reject" in page
