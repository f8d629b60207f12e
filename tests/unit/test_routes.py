"""Next hops as policies name them (E-10)."""

import pytest

from smtpfilter.policy.routes import BadRoute, Hop, parse_forward_method


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("", []),
        (" , ", []),
        ("smtp:[10.0.0.1]:25", [Hop("smtp", "10.0.0.1", 25)]),
        ("SMTP:[2001:db8::1]:2525", [Hop("smtp", "2001:db8::1", 2525)]),
        ("smtp:Mail.example.com:25", [Hop("smtp", "mail.example.com", 25)]),
        ("smtp:[mail.example.com]:25", [Hop("smtp", "mail.example.com", 25)]),
        ("lmtp:localhost:24", [Hop("lmtp", "localhost", 24)]),
        ("smtp:mail.example.com.:1", [Hop("smtp", "mail.example.com.", 1)]),
        ("lmtp:/" + "a" * 106, [Hop("lmtp", path="/" + "a" * 106)]),
        ("lmtp:/run/dovecot/lmtp", [Hop("lmtp", path="/run/dovecot/lmtp")]),
        ("lmtp:unix:/run/lmtp", [Hop("lmtp", path="/run/lmtp")]),
        (
            "smtp:[10.0.0.1]:25, smtp:[10.0.0.2]:25 ,lmtp:/run/lmtp",
            [
                Hop("smtp", "10.0.0.1", 25),
                Hop("smtp", "10.0.0.2", 25),
                Hop("lmtp", path="/run/lmtp"),
            ],
        ),
    ],
)
def test_next_hops_are_read_in_the_order_in_which_they_are_tried(
    text: str, hops: list[Hop]
) -> None:
    assert list(parse_forward_method(text)) == hops


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1", "smtp", "smtp:", "smtp:[10.0.0.1]", "smtp:[10.0.0.1]:0",
        "smtp:[10.0.0.1]:65536", "smtp:[10.0.0.1]:²", "smtp:[10.0.0.999]:25",
        "smtp:2001:db8::1:25", "smtp:[a b]:25",
        "smtp:-x.example:25", "smtp:a..b:25", "smtp:.b:25", "smtp:[x]:25;y", "smtp:*:*",
        "ftp:[10.0.0.1]:21",
        "pipe:/bin/sh", "lmtp:run/lmtp", "lmtp:/", "lmtp:/run/a b", "lmtp:/" + "a" * 107,
        "smtp:[10.0.0.1]:25,,smtp:[10.0.0.2]:25", "smtp:[exämple.org]:25",
    ],
)  # fmt: skip
def test_what_is_no_next_hop_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadRoute) as caught:
        parse_forward_method(text)

    wrong, _, right = str(caught.value).partition(" is no next hop: ")
    assert wrong.strip("'") in text
    assert right == (
        "write smtp:[10.0.0.1]:25, smtp:mail.example.com:25 or lmtp:/path/of/socket, several by"
        " comma."
    )


@pytest.mark.parametrize("text", ["smtp:[10.0.0.1]:25", "lmtp:/run/lmtp", "smtp:[::1]:25"])
def test_a_next_hop_is_printed_as_it_is_written(text: str) -> None:
    (hop,) = parse_forward_method(text)

    assert str(hop) == text
