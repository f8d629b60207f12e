"""The notation of notices' texts: what it can do, and that nothing else can be done in it (N-7)."""

# ruff: noqa: E501 - one row of a table is one line

import itertools
from typing import Any

import pytest

from smtpfilter.verdict.facts import FACTS, SAMPLE
from smtpfilter.verdict.texts import BadTemplate, Template, Text, check, render

FACT: dict[str, Any] = {"name": "x", "rows": [{"a": "1"}, {"a": "2", "b": "two"}], "empty": []}


def body(text: str, facts: dict[str, Any] = FACT) -> str:
    return render(Template("s", text), facts).body


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain\n"),
        ("{{ name }}{{ name|upper }}", "xX\n"),
        ("{% if empty %}\nyes\n{% else %}\nno\n{% endif %}\nend", "no\nend\n"),
        ("{% for r in rows %}\n- {{ r.a }}\n{% endfor %}", "- 1\n- 2\n"),
        (
            "{% for r in rows %}\n{% if r.b is defined %}\n{{ r.b }}\n{% endif %}\n{% endfor %}",
            "two\n",
        ),
        ("{% for r in rows %}\n{{ loop.index }}/{{ loop.length }}\n{% endfor %}", "1/2\n2/2\n"),
        ("a{% if name %}!{% endif %}\nb", "a!\nb\n"),
        ("a{% if name -%}  !{% endif -%}\nb", "a!\nb\n"),
        ("{{ 'yes' if rows|length > 1 and not empty else 'no' }}", "yes\n"),
        ("{{ rows[0].a }} {{ rows|join('+', attribute='a') }}", "1 1+2\n"),
        ("{{ empty|join or 'nothing' }}", "nothing\n"),
        ("{{ name|truncate(5) }} {{ missing|default('-') }}", "x -\n"),
        ("<b>&amp; {{ '<i>' }}", "<b>&amp; <i>\n"),
    ],
)
def test_what_a_text_can_say(text: str, expected: str) -> None:
    assert body(text) == expected


@pytest.mark.parametrize(
    "hostile",
    ["{{ 7 * 7 }}", "{% for x in rows %}", "{# gone #}", "<script>", "\n\n\nFrom: x", "%s {0}"],
)
def test_a_fact_is_inserted_as_it_is(hostile: str) -> None:
    """S2: mail content is never a template, whatever it looks like."""
    assert body("[{{ name }}]", {"name": hostile}) == f"[{hostile}]\n"


def test_control_characters_become_visible() -> None:
    """P6."""
    assert body("{{ name }}", {"name": "a\x00b\x1bc\ud800"}) == "a\ufffdb\ufffdc\ufffd\n"


def test_a_subject_is_one_line_of_300_characters() -> None:
    """S2: no fact can begin a header field."""
    text = render(Template("To {{ name }}", "x"), {"name": "a\r\nBcc: b\n\tc" + "d" * 900})
    assert text.subject.startswith("To a Bcc: b cddd")
    assert len(text.subject) == 300


@pytest.mark.parametrize(
    "text",
    [
        "{{ missing }}",
        "{{ rows[0].b }}",
        "{{ rows[9].a }}",
        "{{ name + 1 }}",
        "{{ name > 1 }}",
        "{{ name.__class__ }}",
        "{{ name['__class__'] }}",
        "{{ rows.append }}",
        "{{ rows|join(attribute='a.__class__') }}",
        "{{ name.upper() }}",
        "{{ 9 ** 9 }}",
        "{{ name ~ name }}",
        "{{ name % 1 }}",
        "{{ [1] }}",
        "{{ {} }}",
        "{{ (1, 2) }}",
        "{{ name[0:1] }}",
        "{{ name|format }}",
        "{{ name|attr('x') }}",
        "{{ name|center(9) }}",
        "{{ self }}",
        "{{ lipsum }}",
        "{{ cycler }}",
        "{% set a = 1 %}",
        "{% with a = 1 %}{% endwith %}",
        "{% macro m() %}{% endmacro %}",
        "{% call name() %}{% endcall %}",
        "{% filter upper %}{% endfilter %}",
        "{% block b %}{% endblock %}",
        "{% extends 'x' %}",
        "{% import 'x' as y %}",
        "{% include 'x' %}",
        "{% for r in rows recursive %}{{ loop(rows) }}{% endfor %}",
        "{% for r in rows %}{{ loop.cycle }}{% endfor %}",
        "{% for r in rows %}" * 3 + "{% endfor %}" * 3,
        "{% if name %}" * 150 + "{% endif %}" * 150,
        "{{ " + "(" * 5000,
        "{{ " + "-" * 5000 + "1 }}",
    ],
)
def test_what_cannot_be_said(text: str) -> None:
    """N-7: amavisd's macros can compute anything; these texts can compute nothing."""
    with pytest.raises(BadTemplate) as bad:
        body(text)
    assert str(bad.value)
    assert "\n" not in str(bad.value)


def test_a_text_has_an_end() -> None:
    """What is too long on the sample is refused; on a real mail the notice goes out, cut off."""
    loops = "{% for a in name %}{% for b in name %}" + "x" * 100 + "{% endfor %}{% endfor %}"
    with pytest.raises(BadTemplate, match="longer than 200000 characters"):
        check(Template("s", loops), {"name": "y" * 100})
    assert len(body(loops, {"name": "y" * 100})) == 200_001


def test_a_text_ends_though_its_facts_do_not() -> None:
    """P6: no more is written than what is kept."""
    endless = {"name": itertools.repeat("y")}
    assert body("{% for a in name %}" + "x" * 100 + "{% endfor %}", endless) == "x" * 200_000 + "\n"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (Template(" ", "x"), "the subject is one line of text"),
        (Template("a\nb", "x"), "the subject is one line of text"),
        (Template("s" * 301, "x"), "at most 300 characters"),
        (Template("s", "x" * 20_001), "the body 20000"),
        (Template("{{ empty|join }}", "x"), "must not be empty"),
        (
            Template("s", "{% if empty %}{{ nmae }}{% endif %}"),
            "there is no 'nmae'; there are: empty, name",
        ),
        (Template("{{ nmae }}", "x"), "there is no 'nmae'"),
    ],
)
def test_a_template_is_tried_out(template: Template, why: str) -> None:
    with pytest.raises(BadTemplate, match=why):
        check(template, FACT)


def test_a_good_template_passes() -> None:
    check(Template("{{ name }}", "{% for r in rows %}{{ r.a }}{% endfor %}"), FACT)
    assert render(Template("s", "\n\nx\n\n"), FACT) == Text("s", "x\n")


def test_the_sample_knows_every_fact() -> None:
    """2(t)."""
    assert SAMPLE.keys() == FACTS.keys()
    assert all(type(SAMPLE[name]) is type(FACTS[name]) for name in FACTS)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\n{% set b = 1 %}", "line 2: assign is not in the notation of notices; there are {{ }}, if and for"),
        ("{{ self }}", "there is no 'self'"),
        ("{% for r in rows %}" * 3 + "{% endfor %}" * 3, "loops stand in each other 2 deep at most"),
        ("a\nb\n{% if %}", "line 3: Expected an expression, got 'end of statement block'"),
        ("{{ missing }}", "'missing' is undefined"),
        ("{{ rows[9].a }}", "list object has no element 9"),
        ("{{ name > 1 }}", "'>' not supported between instances of 'str' and 'int'"),
        ("{{ '" + "x" * 400 + "' ", "line 1: unexpected end of template, expected 'end of print statement'."),
        ("{{ " + "m" * 400 + " }}", "'" + "m" * 299),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(text: str, why: str) -> None:
    with pytest.raises(BadTemplate) as bad:
        body(text)
    assert str(bad.value) == why


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{% for r in rows %}\n{{ loop.first }} {{ loop.last }}\n{% endfor %}", "True False\nFalse True\n"),
        ("  {% if name %}\n  a\n  {% endif %}\nb", "  a\nb\n"),
        ("a {% if name %}b{% endif %}\n{% if name %}\nc\n{% endif %}\nd", "a b\nc\nd\n"),
        ("\n a \n\n", " a \n"),
    ],
)  # fmt: skip
def test_where_lines_of_a_text_end(text: str, expected: str) -> None:
    assert body(text) == expected


def test_a_text_may_be_as_long_as_the_limits_say() -> None:
    check(Template("s" * 300, "x" * 20_000), FACT)
    loop = "{% for a in name %}" + "x" * 100 + "{% endfor %}"
    check(Template("s", loop), {"name": "y" * 2000})
    for template, why in (
        (Template("", "x"), "the subject is one line of text"),
        (Template("{{ empty|join }}", "x"), "the subject must not be empty"),
    ):
        with pytest.raises(BadTemplate) as bad:
            check(template, FACT)
        assert str(bad.value) == why
