"""What the pages about second factors need to know of the person."""

from django import template
from django.template.context import Context

from appliance.accounts.factors import owes_factor

register = template.Library()


@register.simple_tag(takes_context=True)
def second_factor_owed(context: Context) -> bool:
    """Tell whether the site asks the person for a second factor that is not there yet."""
    return owes_factor(context["request"].user)
