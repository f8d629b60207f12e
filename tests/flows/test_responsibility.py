"""Who has the mail: nothing is answered with 2xx before everybody is settled, and nothing is
delivered twice (O-1).

The cases BB-1, 20 to 24, 27, 40 to 43, 54 and 59 of the behaviour specification, over real sockets.
"""

import email
from collections.abc import Callable
from email import policy
from typing import Any

import pytest
from django.db import connection

from tests.doubles.next_hop import NextHop, Script
from tests.doubles.upstream import Upstream
from tests.flows.conftest import Manage
from tests.flows.mails import EICAR, GTUBE, body, mail
from tests.flows.running import RunningFilter

THREE = ("one@example.com", "two@example.com", "three@example.com")


def test_clean_mail_arrives_with_its_body_untouched_bb1(
    postern: RunningFilter, hop: NextHop
) -> None:
    sent = mail("Line one\r\n..dots\r\n\ttabs  \r\n\xe4 8-bit")
    (reply,) = postern.send(sent)
    assert reply.startswith(
        f"250 2.0.0 from MTA(smtp:[127.0.0.1]:{hop.address[1]}): 250 2.0.0 Ok: queued as "
    )
    (copy,) = hop.delivered
    assert copy.mail == "<sender@example.org>"
    assert copy.rcpts == ["<bob@example.com>"]
    assert copy.content is not None
    assert body(copy.content) == body(sent)
    got = email.message_from_bytes(copy.content, policy=policy.compat32)
    assert got["X-Virus-Scanned"] == "Postern at filter.example.com"
    assert got["X-Spam-Flag"] == "NO"
    assert got["X-Spam-Status"].startswith("No, score=")


def test_one_temporary_refusal_defers_the_transaction_on_smtp_bb20(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    hop.script.rcpt["two@example.com"] = "450 4.2.1 mailbox busy"
    (reply,) = postern.send(mail(), *THREE)
    assert reply.startswith("450 4.2.1")
    assert not hop.delivered
    assert [r["outcome"] for r in manage("mails", "list")[0]["recipients"]] == ["deferred"] * 3


def test_one_refused_recipient_is_told_by_a_notice_bb21(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    hop.script.rcpt["two@example.com"] = "550 5.1.1 no such user"
    (reply,) = postern.send(mail(), *THREE)
    assert reply.startswith("250 2.0.0 ")
    assert "but 1 REJECT" in reply
    letter, notice = hop.delivered
    assert letter.accepted == ["one@example.com", "three@example.com"]
    assert notice.mail == "<>"
    assert notice.accepted == ["sender@example.org"]
    report = email.message_from_bytes(notice.content or b"", policy=policy.default)
    assert report["Auto-Submitted"] == "auto-replied"
    assert report.get_content_type() == "multipart/report"
    outcomes = {r["address"]: r["outcome"] for r in manage("mails", "list")[0]["recipients"]}
    assert outcomes == {
        "one@example.com": "delivered",
        "two@example.com": "rejected",
        "three@example.com": "delivered",
    }


@pytest.mark.parametrize(
    "how", [{"sender": ""}, {"notify": "NEVER"}], ids=["null sender", "NOTIFY=NEVER"]
)
def test_nobody_is_told_who_cannot_or_does_not_want_to_be_bb28_bb61(
    postern: RunningFilter, hop: NextHop, how: dict[str, str]
) -> None:
    hop.script.rcpt["two@example.com"] = "550 5.1.1 no such user"
    with Upstream(postern.address) as client:
        client.say("EHLO mx.example.com")
        client.say(f"MAIL FROM:<{how.get('sender', 'ann@example.org')}>")
        notify = f" NOTIFY={how['notify']}" if "notify" in how else ""
        for address in THREE:
            client.say(f"RCPT TO:<{address}>{notify}")
        reply = client.message(mail())
    assert reply.startswith("250 2.0.0 ")
    (letter,) = hop.delivered
    assert letter.accepted == ["one@example.com", "three@example.com"]


def test_a_notice_that_is_not_taken_defers_its_recipients(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    hop.script.rcpt["two@example.com"] = "550 5.1.1 no such user"
    hop.script.rcpt["sender@example.org"] = "450 4.3.2 not now"
    (reply,) = postern.send(mail(), *THREE, xforward="IDENT=4ABC ADDR=192.0.2.1")
    assert reply.startswith("451 ")
    hop.script.rcpt.pop("sender@example.org")
    (again,) = postern.send(mail(), *THREE, xforward="IDENT=4ABC ADDR=192.0.2.1")
    assert again.startswith("250 ")
    assert len(hop.deliveries_to("one@example.com")) == 1
    assert len(hop.deliveries_to("sender@example.org")) == 1


def test_all_refused_is_passed_back_without_a_notice_bb22(
    postern: RunningFilter, hop: NextHop
) -> None:
    hop.script.recipient = "550 5.1.1 no such user"
    (reply,) = postern.send(mail(), *THREE)
    assert reply.startswith("550 5.1.1 ")
    assert "Rejected by next-hop MTA" in reply
    assert not hop.delivered


def test_too_many_recipients_for_one_transaction_go_in_another_bb23(
    postern: RunningFilter, hop: NextHop
) -> None:
    hop.script.most_recipients = 2
    (reply,) = postern.send(mail(), *THREE)
    assert reply.startswith("250 2.0.0 ")
    assert [t.accepted for t in hop.delivered] == [list(THREE[:2]), list(THREE[2:])]


FAULTS = {
    "greeting 421": {"greeting": "421 4.3.2 busy"},
    "greeting 554": {"greeting": "554 5.3.2 no"},
    "EHLO refused": {"ehlo": "502 5.5.1 what"},
    "MAIL 451": {"mail": "451 4.3.0 later"},
    "MAIL 550": {"mail": "550 5.7.1 denied"},
    "relay access denied": {"recipient": "554 5.7.1 relay access denied"},
    "DATA 451": {"data": "451 4.3.0 later"},
    "DATA 554": {"data": "554 5.5.1 no"},
    "DATA 250": {"data": "250 2.0.0 strange"},
    "dot 451": {"dot": "451 4.3.0 later"},
    "dot 354": {"dot": "354 go on"},
    "lost at MAIL": {"lose_at": "mail"},
    "lost after the dot": {"lose_at": "dot"},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_every_fault_of_the_next_hop_leaves_the_mail_upstream_bb24(
    postern: RunningFilter, hop: NextHop, fault: dict[str, object]
) -> None:
    hop.close_connections()
    for name, value in fault.items():
        setattr(hop.script, name, value)
    (reply,) = postern.send(mail())
    assert reply.startswith("4")
    assert not hop.delivered
    hop.script = Script()
    (reply,) = postern.send(mail())
    assert reply.startswith("250 2.0.0 ")


def test_a_connection_lost_in_the_content_leaves_the_mail_upstream_bb24(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    manage("policy", "set", "bob@example.com", "bypass_spam_checks=yes")
    hop.script.lose_at, hop.script.content_bytes = "content", 100_000
    (reply,) = postern.send(mail("y" * 3_000_000))
    assert reply.startswith("451 4.4.")
    assert not any(transaction.dotted for transaction in hop.ledger)


def test_no_next_hop_at_all_is_a_4xx_bb24(own_filter: Callable[..., Any]) -> None:
    with NextHop() as gone:
        pass
    with own_filter(gone) as postern:
        (reply,) = postern.send(mail())
        assert reply.startswith("451 4.4.1")


def test_a_refused_content_is_passed_back(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    hop.script.dot = "554 5.6.0 I do not like it"
    (reply,) = postern.send(mail())
    assert reply.startswith("554 5.6.0 ")
    (recipient,) = manage("mails", "list")[0]["recipients"]
    assert (recipient["outcome"], recipient["reply"]) == ("rejected", "554 5.6.0 I do not like it")


def test_each_recipient_has_an_answer_of_its_own_on_lmtp_bb27(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    hop.script.rcpt = {
        "two@example.com": "450 4.2.1 busy",
        "three@example.com": "550 5.1.1 unknown",
    }
    one, two, three = postern.send(mail(), *THREE, lmtp=True)
    assert one.startswith("250 2.0.0 ")
    assert two.startswith("450 4.2.1 ")
    assert three.startswith("550 5.1.1 ")
    (letter,) = hop.delivered
    assert letter.accepted == ["one@example.com"]


def test_lmtp_mixes_held_and_delivered(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    manage("policy", "set", "one@example.com", "virus_lover=yes")
    manage("policy", "set", "three@example.com", "virus_destiny=reject")
    one, two, three = postern.send(mail(EICAR), *THREE, lmtp=True)
    assert one.startswith("250 2.0.0 ")
    assert two.startswith("250 2.7.0 Ok, discarded")
    assert three.startswith("554 5.7.0 Reject")
    assert [t.accepted for t in hop.delivered] == [["one@example.com"]]


def test_smtputf8_needs_a_next_hop_that_speaks_it_bb40(
    postern: RunningFilter, hop: NextHop
) -> None:
    def send() -> str:
        with Upstream(postern.address) as client:
            client.say("EHLO mx.example.com")
            client.say("MAIL FROM:<änn@example.org> SMTPUTF8 BODY=8BITMIME")
            client.say("RCPT TO:<bøb@example.com>")
            return client.message(mail())

    assert send().startswith("250 2.0.0 ")
    assert hop.delivered[0].accepted == ["bøb@example.com"]
    assert "SMTPUTF8" in hop.delivered[0].mail
    hop.close_connections()
    hop.script.without("SMTPUTF8")
    assert send().startswith("550 5.6.7 ")


def test_8bitmime_needs_a_next_hop_that_speaks_it_bb41(
    postern: RunningFilter, hop: NextHop
) -> None:
    hop.close_connections()
    hop.script.without("8BITMIME")
    with Upstream(postern.address) as client:
        client.say("EHLO mx.example.com")
        client.envelope("ann@example.org", "bob@example.com", parameters="BODY=8BITMIME")
        assert client.message(mail("\xe4")).startswith("550 5.6.3 ")
    assert not hop.delivered


ODD_BODIES = {
    "lone LF": (b"a\nb\r\n", b"a\r\nb\r\n"),
    "LF.LF": (
        b"a\n.\nMAIL FROM:<evil@example.net>\r\n",
        b"a\r\n.\r\nMAIL FROM:<evil@example.net>\r\n",
    ),
    "lone CR": (b"a\rb\r\n", b"a\r\nb\r\n"),
    "CR.CR": (b"a\r.\rb\r\n", b"a\r\n.\r\nb\r\n"),
    "dots": (b".\r\n..\r\n.a\r\n", b".\r\n..\r\n.a\r\n"),
    "empty": (b"", b""),
    "NUL and 8-bit": (b"a\0b\xff\xfe\r\n", b"a\0b\xff\xfe\r\n"),
    "a line of 1 MB": (b"x" * 1_000_000 + b"\r\n", b"x" * 1_000_000 + b"\r\n"),
}


@pytest.mark.parametrize("sent, arrives", ODD_BODIES.values(), ids=ODD_BODIES.keys())
def test_one_message_in_is_one_message_out_bb42(
    postern: RunningFilter, hop: NextHop, sent: bytes, arrives: bytes
) -> None:
    header = body(b"\r\n\r\n" + mail("")).removesuffix(b"\r\n")
    (reply,) = postern.send(header + sent)
    assert reply.startswith("250 ")
    (copy,) = hop.delivered
    assert copy.content is not None
    assert body(copy.content) == arrives


def test_the_1101st_recipient_has_to_wait_bb43(postern: RunningFilter, hop: NextHop) -> None:
    with Upstream(postern.address) as client:
        client.say("EHLO mx.example.com")
        replies = client.envelope("ann@example.org", *(f"r{n}@example.com" for n in range(1101)))
        assert all(reply.startswith("250 ") for reply in replies[:1101])
        assert replies[1101].startswith("452 4.5.3 ")
        assert client.message(mail()).startswith("250 2.0.0 ")
    assert sum(len(t.accepted) for t in hop.delivered) == 1100


def test_what_cannot_be_recorded_is_not_accepted_bb54(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    """O-13, Q-5."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE quarantine_body_chunk RENAME TO not_there")
        try:
            (reply,) = postern.send(mail(EICAR))
            assert reply.startswith("451 4.3.0 ")
            assert "not_there" not in reply
        finally:
            cursor.execute("ALTER TABLE not_there RENAME TO quarantine_body_chunk")
    assert not hop.delivered
    assert manage("mails", "list") == []
    (reply,) = postern.send(mail(EICAR))
    assert reply.startswith("250 2.7.0 ")


def test_mail_that_goes_round_in_circles_is_refused_bb59(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    (reply,) = postern.send(b"Received: by a.example; now\r\n" * 111 + mail())
    assert reply.startswith("554 5.4.6 ")
    assert not hop.delivered
    assert manage("mails", "list")[0]["recipients"][0]["category"] == "mta"


def test_a_mixture_of_held_and_delivered_has_one_reply_bb9(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    manage(
        "policy", "set", "one@example.com", "virus_lover=yes", "virus_subject_tag=***INFECTED*** "
    )
    manage("policy", "set", "three@example.com", "bypass_virus_checks=yes")
    (reply,) = postern.send(mail(EICAR), *THREE)
    assert reply.startswith("250 2.0.0 from MTA(")
    assert reply.endswith(", but 1 DISCARD")
    copies = {t.accepted[0]: email.message_from_bytes(t.content or b"") for t in hop.delivered}
    assert set(copies) == {"one@example.com", "three@example.com"}
    assert "INFECTED" in copies["one@example.com"]["X-Amavis-Alert"]
    assert copies["one@example.com"]["Subject"] == "***INFECTED*** A letter"
    assert copies["three@example.com"]["X-Amavis-Alert"] is None
    assert copies["three@example.com"]["X-Virus-Scanned"] is None
    states = {
        r["address"]: (r["outcome"], r["state"]) for r in manage("mails", "list")[0]["recipients"]
    }
    assert states["two@example.com"] == ("held", "held")
    assert states["three@example.com"] == ("delivered", None)


def test_spam_is_held_and_its_octets_are_kept(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    sent = mail(GTUBE) + b"odd\nends\r\n"
    (reply,) = postern.send(sent)
    assert reply.startswith("250 2.7.0 Ok, discarded")
    (held,) = manage("quarantine", "list")
    with connection.cursor() as cursor:
        cursor.execute("SELECT octets FROM quarantine_body_chunk ORDER BY number")
        assert b"".join(bytes(row[0]) for row in cursor.fetchall()) == sent
    released = manage("quarantine", "release", held["mail_id"], "--recipient", "bob@example.com")
    assert released["state"] == "released"
    (copy,) = hop.delivered
    assert copy.content == sent.replace(b"odd\n", b"odd\r\n")
    assert released["reply"] == copy.answered


def test_a_retry_repeats_the_reply_and_tells_the_sender_nothing_twice(
    postern: RunningFilter, hop: NextHop, manage: Manage
) -> None:
    manage("policy", "set", "three@example.com", "spam_kill_level=-100", "spam_destiny=reject")
    hop.script.rcpt["two@example.com"] = "550 5.1.1 no such user"
    first = postern.send(mail(), *THREE, xforward="IDENT=4ABC ADDR=192.0.2.1")
    assert first[0].startswith("250 2.0.0 ")
    assert first[0].endswith("but 2 REJECT")
    assert postern.send(mail(), *THREE, xforward="IDENT=4ABC ADDR=192.0.2.1") == first
    letter, notice = hop.delivered
    assert letter.accepted == ["one@example.com"]
    for address in (b"two@example.com", b"three@example.com"):
        assert b"Final-Recipient: rfc822;" + address in (notice.content or b"")


@pytest.mark.parametrize("refused_by", ["us", "the next hop"])
def test_a_refusal_hidden_behind_a_deferral_is_told_after_the_retry_bb21(
    postern: RunningFilter, hop: NextHop, manage: Manage, refused_by: str
) -> None:
    if refused_by == "us":
        manage("policy", "set", "one@example.com", "spam_kill_level=-100", "spam_destiny=reject")
    else:
        manage("policy", "set", "one@example.com", "spam_tag2_level=-50")  # a copy of its own
        hop.script.rcpt["one@example.com"] = "550 5.1.1 no such user"
    hop.script.rcpt["two@example.com"] = ["450 4.2.1 busy", "250 2.1.5 Ok"]
    sent = mail()
    (first,) = postern.send(sent, *THREE[:2], xforward="IDENT=4ABC ADDR=192.0.2.1")
    assert first.startswith("450 4.2.1")
    assert [r["outcome"] for r in manage("mails", "list")[0]["recipients"]] == ["deferred"] * 2
    (again,) = postern.send(sent, *THREE[:2], xforward="IDENT=4ABC ADDR=192.0.2.1")
    assert again.endswith("but 1 REJECT")
    letter, notice = hop.delivered
    assert letter.accepted == ["two@example.com"]
    assert b"Final-Recipient: rfc822;one@example.com" in (notice.content or b"")
