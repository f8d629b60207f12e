"""Pages of cards: each is the form of some of the site's settings, and is saved by itself."""

from collections.abc import Mapping

from django.http import Http404, HttpRequest

from appliance.status.edit import set_settings
from appliance.status.forms import SettingsForm
from appliance.status.models import SiteSettings
from appliance.ui.asking import carried_out

Cards = Mapping[str, type[SettingsForm]]  # by the name that a form sends with what was typed


def shown_cards(cards: Cards, row: SiteSettings, *, edits: bool) -> dict[str, SettingsForm]:
    """Return the forms of all cards, to be changed where the person `edits`."""
    return {name: form(row, edits) for name, form in cards.items()}


def posted_card(cards: Cards, row: SiteSettings, request: HttpRequest) -> tuple[str, SettingsForm]:
    """Return the card that was sent, by its name.  Raises Http404."""
    name = request.POST.get("card", "")
    if name not in cards:
        raise Http404
    return name, cards[name](row, True, request.POST)


def card_stored(form: SettingsForm, *, actor: str) -> bool:
    """Store what was typed on a card; what is wrong with it stands on its form."""
    return form.is_valid() and carried_out(
        form, set_settings, values=form.cleaned_data, actor=actor
    )
