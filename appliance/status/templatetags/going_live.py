"""How far going live is, for those who see to it, until all of its steps are done."""

from typing import Any

from django import template
from django.template.context import Context

from appliance.accounts.access import Verb, may
from appliance.status.golive import STEPS, done_steps

register = template.Library()


@register.inclusion_tag("golive/banner.html", takes_context=True)
def going_live(context: Context) -> dict[str, Any]:
    if not may(context["request"].user, Verb.EDIT_SITE):
        return {}
    done = done_steps()
    open_steps = [step for step in STEPS if step.name not in done]
    return {"next": next(iter(open_steps), None), "done": len(done), "all": len(STEPS)}
