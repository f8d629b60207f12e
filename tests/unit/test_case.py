"""A case carries what the stored policy says about one recipient and this sender."""

from smtpfilter.policy.banning import BUILT_IN
from smtpfilter.policy.layers import SenderRule
from smtpfilter.verdict.case import make_case
from tests.unit.builders import ANN, HOST, MAIL_ID, NOW, OSCAR, address, book, layer, recipient


def test_a_case_is_made_of_the_book() -> None:
    stored = book(
        layer("@.", banned_rulenames="article"),
        senders=(SenderRule("example.com", "outside.example", "block"),),
    )

    case = make_case(
        stored,
        recipient(ANN),
        mail_id=MAIL_ID,
        identities=[address(OSCAR)],
        size_bytes=10,
        bulk=False,
        now=NOW,
        hostname=HOST,
    )

    assert case.policy.origins["banned_rulenames"] == "@."
    assert case.policy.local
    assert case.sender.black
    assert case.ban_rules == BUILT_IN["article"]
