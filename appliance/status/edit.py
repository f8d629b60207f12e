"""Change site settings and say whose mail is traced.  One transaction each; recorded."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models, transaction

from appliance.domains.names import printed_sender
from appliance.errors import Refused, Unknown
from appliance.policies.revisions import record
from appliance.status.models import ONLY_ROW, SiteSettings, TracedSender
from smtpfilter.mail.findings import visible
from smtpfilter.policy.values import BadValue, flag

FIELDS = {field.name: field for field in SiteSettings._meta.fields if not field.primary_key}
_IN_ORDER = (
    ("bayes_auto_learn_threshold_nonspam", "bayes_auto_learn_threshold_spam"),
    ("penpals_threshold_low", "penpals_threshold_high"),
)


def as_json(row: SiteSettings) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS}


def set_setting(*, name: str, value: object, actor: str) -> SiteSettings:
    """Set the site setting `name`.  Raises Refused; Unknown for a name that is none."""
    return set_settings(values={name: value}, actor=actor)


@transaction.atomic
def set_settings(*, values: Mapping[str, object], actor: str) -> SiteSettings:
    """Set several site settings at once, all or none.  Raises Refused; Unknown for a name that is
    none.
    """
    row, _ = SiteSettings.objects.select_for_update().get_or_create(id=ONLY_ROW)
    before = as_json(row)
    for name, value in values.items():
        assign(row, name, value)
    refuse_contradiction(row)
    row.save()
    after = as_json(row)
    changed = [name for name in before if before[name] != after[name]]
    if changed:
        record(
            who=actor,
            verb="settings set",
            key=" ".join(changed),
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
        )
    return row


def refuse_contradiction(row: SiteSettings) -> None:
    """Raises Refused where two settings of the row do not go together."""
    for low, high in _IN_ORDER:
        least, most = getattr(row, low), getattr(row, high)
        if most is not None and least >= most:
            raise Refused(f"{low} ({least:g}) has to be lower than {high} ({most:g})")


def assign(row: SiteSettings, name: str, value: object) -> None:
    """Set a field of the row, unsaved.  Raises Refused; Unknown for a name that is none."""
    if name not in FIELDS:
        raise Unknown(f"unknown setting {name!r}; the settings are: {', '.join(FIELDS)}")
    try:
        read = FIELDS[name].clean(_read(FIELDS[name], value), row)
        if isinstance(read, float) and not isfinite(read):  # NaN lies between any two bounds
            raise BadValue("a number")
        setattr(row, name, read)
    except BadValue as error:
        raise Refused(f"{name}: {value!r} is not {error}") from None
    except ValidationError as error:
        raise Refused(f"{name}: {' '.join(error.messages)}") from None


def _read(field: Any, value: object) -> object:
    """Return what people write for the field, as Django takes it: yes and no, nothing for none."""
    if isinstance(value, str) and isinstance(field, models.BooleanField):
        return flag(value)
    return None if value == "" and field.null else value


@transaction.atomic
def add_trace(*, sender: str, actor: str) -> TracedSender:
    """Log mail of `sender` (a lookup key) step by step from now on.  Raises Refused."""
    trace, made = TracedSender.objects.get_or_create(
        sender=printed_sender(sender), defaults={"added_by": visible(actor, 254)}
    )
    if not made:
        raise Refused(f"{trace} is traced already")
    record(who=actor, verb="trace add", key=str(trace), before=None, after={})
    return trace


@transaction.atomic
def remove_trace(*, sender: str, actor: str) -> None:
    """Log mail of `sender` as usual again.  Raises Refused where it is not traced."""
    sender = printed_sender(sender)
    if not TracedSender.objects.filter(sender=sender).delete()[0]:
        raise Refused(f"{sender or '<>'} is not traced")
    record(who=actor, verb="trace remove", key=sender or "<>", before={}, after=None)
