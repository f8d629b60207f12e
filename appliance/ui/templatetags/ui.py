"""What templates need beyond Django's own tags.  Nothing here marks data as safe: escaping is left
to the template.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms, template
from django.forms import BoundField
from django.http import HttpRequest
from django.template.context import Context
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from lucide.templatetags.lucide import lucide

from appliance.policies import labels
from appliance.ui import hostile, theme, words
from appliance.ui.navigation import items_for

register = template.Library()
register.filter("shown", hostile.shown)

_ICONS = {"auto": "monitor", "light": "sun", "dark": "moon"}


@register.simple_tag(takes_context=True)
def icon(context: Context, name: str) -> str:
    """Draw one of Lucide's icons; it says nothing that the words beside it do not say."""
    return lucide(context, name, size=None, **{"class": "icon", "aria-hidden": "true"})


@register.simple_tag
def control(field: BoundField) -> SafeString:
    """Draw the field's widget with Bootstrap's class for its kind, beside its own: forms need not
    know how they look.
    """
    widget = field.field.widget
    kinds = ((forms.CheckboxInput, "form-check-input"), (forms.Select, "form-select"))
    look = next((look for kind, look in kinds if isinstance(widget, kind)), "form-control")
    own = widget.attrs.get("class", "")
    return field.as_widget(attrs={"class": f"{look} {own}".rstrip()})


@register.simple_tag(takes_context=True)
def theme_attribute(context: Context) -> SafeString | str:
    """Return the attribute of <html> that fixes the theme, nothing where the browser's preference
    counts.
    """
    request = context.get("request")
    choice = theme.chosen(request) if request else "auto"
    return "" if choice == "auto" else format_html(' data-bs-theme="{}"', choice)


@dataclass(frozen=True, slots=True)
class ThemeChoice:
    name: str
    label: str
    icon: str
    pressed: str  # for aria-pressed


@register.simple_tag(takes_context=True)
def theme_choices(context: Context) -> list[ThemeChoice]:
    chosen = theme.chosen(context["request"])
    return [
        ThemeChoice(name, label, _ICONS[name], "true" if name == chosen else "false")
        for name, label in theme.CHOICES.items()
    ]


@register.inclusion_tag("parts/navigation.html", takes_context=True)
def navigation(context: Context) -> dict[str, Any]:
    request: HttpRequest = context["request"]
    return {"items": items_for(request)}


@register.inclusion_tag("parts/chips.html")
def category_chip(category: str) -> dict[str, Any]:
    return {"words": [words.word(words.CATEGORIES, category)]}


@register.inclusion_tag("parts/chips.html")
def outcome_chip(outcome: str, state: str | None = None) -> dict[str, Any]:
    """Show how it ended.  Of held mail that is the state of the copy, which moves on; of a copy of
    mail that was delivered or refused all the same it is said beside it.
    """
    ended = words.word(words.OUTCOMES, outcome)
    if not state:
        return {"words": [ended]}
    copy = words.word(words.STATES, state)
    return {"words": [copy] if outcome == "held" else [ended, words.Word(f"Copy: {copy.label}")]}


@register.simple_tag
def moment(at: datetime | None) -> SafeString | str:
    """Return a <time>: hours today, the day before that, the year where it is another; in the
    active zone.
    """
    if at is None:
        return ""
    local, now = timezone.localtime(at), timezone.localtime()
    pattern = "%H:%M" if local.date() == now.date() else "%-d %b %H:%M"
    if local.year != now.year:
        pattern = "%-d %b %Y"
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(timespec="seconds"),
        local.strftime("%A, %-d %B %Y, %H:%M:%S %Z"),
        local.strftime(pattern),
    )


@register.filter
def points(value: float | None) -> str:
    """Return a score or level as people write it, a dash where it is unknown."""
    return "–" if value is None else labels.points(value)
