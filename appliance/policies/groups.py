"""The policy form as the screen lays it out: groups by subject, each field beside the value that it
inherits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.forms import BoundField

from appliance.accounts.access import Scope
from appliance.policies.forms import PolicyForm
from appliance.policies.inherit import Inherited
from appliance.policies.labels import GROUPS, origin_words, value_words
from smtpfilter.policy.settings import FIELDS, field_group


@dataclass(frozen=True, slots=True)
class Setting:
    """`value`, `origin`: what is inherited, in words.  `link`: the key of the layer to look at, ""
    where there is none or it is not the person's to see.  `lock`: the switch that fixes it for
    layers below.
    """

    name: str
    field: BoundField
    inherited: Inherited
    value: str
    origin: str
    link: str
    own: bool
    lock: BoundField


@dataclass(slots=True)
class Group:
    name: str
    title: str
    lead: str
    settings: list[Setting] = field(default_factory=list)


def grouped(form: PolicyForm, above: dict[str, Inherited], scope: Scope) -> list[Group]:
    groups = {name: Group(name, title, lead) for name, (title, lead) in GROUPS.items()}
    for setting in _settings(form, above, scope):
        groups[field_group(setting.name)].settings.append(setting)
    return list(groups.values())


def _settings(form: PolicyForm, above: dict[str, Inherited], scope: Scope) -> Iterator[Setting]:
    for name in FIELDS:
        key = above[name].origin_key
        link = key if key and scope.covers_key(key) else ""
        value, origin = value_words(name, above[name].value), origin_words(above[name].origin)
        own = form.stored[name] != ""
        yield Setting(name, form[name], above[name], value, origin, link, own, form.lock(name))
