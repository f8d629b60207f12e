"""Change the words of notices.  One transaction each; recorded.

A text is tried out on a made-up mail before it is stored: one that fails is refused.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from appliance.errors import Refused, Unknown
from appliance.notices.models import NoticeTemplate
from appliance.notices.shipped import KINDS, TO_RECIPIENTS, languages, parse, shipped
from appliance.policies.revisions import record
from smtpfilter.mail.findings import visible
from smtpfilter.verdict.facts import FACTS, SAMPLE
from smtpfilter.verdict.texts import BadTemplate, Template, Text, check, render

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,6})?")


def parse_kind(text: str) -> str:
    """Return the kind of notice that `text` names.  Raises Unknown."""
    if text not in KINDS:
        raise Unknown(f"there is no notice {text!r}; there are: {', '.join(KINDS)}")
    return text


def parse_language(text: str) -> str:
    """Return the language tag in `text`, in lower case.  Raises Refused."""
    tag = text.strip().lower()
    if not _LANGUAGE.fullmatch(tag):
        raise Refused(f"{text!r} is no language: write en, de or pt-br")
    return tag


def parse_text(text: str) -> Template:
    """Return the template in `text`: its subject, an empty line, its body.  Raises Refused."""
    return checked(parse(text))


def checked(template: Template) -> Template:
    """Return the template as it is stored, tried out.  Raises Refused."""
    body = template.body.replace("\r\n", "\n").rstrip() + "\n"
    template = Template(template.subject.strip(), body)
    for text in (template.subject, template.body):
        if text != visible(text, len(text)) or "\r" in text:
            raise Refused("there are control characters in the text")
    try:
        for facts in (SAMPLE, FACTS):
            check(template, facts)
    except BadTemplate as error:
        raise Refused(f"the text fails: {error}") from None
    return template


def words(kind: str, language: str) -> tuple[Template, bool]:
    """Return the template in force, and whether it is the site's own.  Raises Refused, Unknown."""
    kind, language = parse_kind(kind), parse_language(language)
    row = NoticeTemplate.objects.filter(kind=kind, language=language).first()
    if row:
        return Template(row.subject, row.body), True
    if language.partition("-")[0] not in languages():
        raise Refused(f"there is no text in {language}; there are: {', '.join(languages())}")
    return shipped(kind, language), False


def preview(kind: str, template: Template) -> Text:
    """Return what a notice of this kind would say about a made-up mail.  Raises Refused."""
    hidden: dict[str, Any] = {"header": []} if kind in TO_RECIPIENTS else {}
    try:
        return render(template, SAMPLE | {"about": "virus_admin"} | hidden)
    except BadTemplate as error:
        raise Refused(f"the text fails: {error}") from None


@transaction.atomic
def set_words(*, kind: str, language: str, template: Template, actor: str) -> NoticeTemplate:
    """Make `template` the site's text of this notice.  Raises Refused, Unknown."""
    kind, language, template = parse_kind(kind), parse_language(language), checked(template)
    rows = NoticeTemplate.objects.select_for_update()
    row = rows.filter(kind=kind, language=language).first()
    before = as_json(row) if row else None
    row = row or NoticeTemplate(kind=kind, language=language)
    row.subject, row.body = template.subject, template.body
    row.save()
    after = as_json(row)
    if before != after:
        record(who=actor, verb="notices set", key=str(row), before=before, after=after)
    return row


@transaction.atomic
def reset_words(*, kind: str, language: str, actor: str) -> None:
    """Use the shipped text of this notice again.  Raises Refused, Unknown."""
    kind, language = parse_kind(kind), parse_language(language)
    rows = NoticeTemplate.objects.select_for_update()
    row = rows.filter(kind=kind, language=language).first()
    if row is None:
        raise Refused(f"the site has no text of its own for {kind} ({language})")
    record(who=actor, verb="notices reset", key=str(row), before=as_json(row), after=None)
    row.delete()


def as_json(row: NoticeTemplate) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "language": row.language,
        "subject": row.subject,
        "body": row.body,
    }


def put(row: Mapping[str, Any]) -> None:
    """Store one row of an import, which is recorded there.  Raises Refused, Unknown."""
    template = checked(Template(row["subject"], row["body"]))
    NoticeTemplate.objects.update_or_create(
        kind=parse_kind(row["kind"]),
        language=parse_language(row["language"]),
        defaults={"subject": template.subject, "body": template.body},
    )
