"""Screens: networks of clients, and the direction profiles of mail that came a certain way."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from appliance.accounts.access import NOWHERE, Verb, may
from appliance.accounts.guard import allowed
from appliance.domains.edit import add_network, remove_network
from appliance.domains.models import Network
from appliance.policies.groups import grouped
from appliance.policies.labels import worded_settings
from appliance.policies.models import Profile
from appliance.policies.profile_forms import (
    NetworkForm,
    ProfileForm,
    ProfileNameForm,
    chain_of_profile,
)
from appliance.policies.profiles import change_profile, profile_name, remove_profile
from appliance.policies.revisions import because
from appliance.policies.treatments import meanings
from appliance.ui.asking import UNPROCESSABLE, asked_name, carried_out, posted, told


@require_http_methods(["GET", "HEAD", "POST"])
def networks(request: HttpRequest) -> HttpResponse:
    """List networks and profiles; POST adds a network, `?name=` opens a profile."""
    person = allowed(request, Verb.EDIT_SITE if request.method == "POST" else Verb.SEE_POLICY)
    form = NetworkForm(posted(request))
    names = ProfileNameForm(request.GET or None)
    if name := asked_name(names, profile_name):
        return redirect("profile", name)
    if form.is_valid() and carried_out(form, add_network, **form.cleaned_data, actor=person.email):
        return redirect("networks")
    shown = {
        "networks": Network.objects.all(),
        "profiles": [(profile, worded_settings(profile)) for profile in Profile.objects.all()],
        "form": form,
        "names": names,
        "may_edit": may(person, Verb.EDIT_SITE),
    }
    status = UNPROCESSABLE if form.errors else 200
    return render(request, "networks/list.html", shown, status=status)


@require_POST
def drop_network(request: HttpRequest) -> HttpResponse:
    person = allowed(request, Verb.EDIT_SITE)
    cidr = request.POST.get("cidr", "")
    told(request, f"{cidr} is removed.", remove_network, cidr=cidr, actor=person.email)
    return redirect("networks")


@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest, name: str) -> HttpResponse:
    """Show one profile, which need not exist yet; POST stores what was changed."""
    person = allowed(request, Verb.EDIT_SITE if request.method == "POST" else Verb.SEE_POLICY)
    edits = may(person, Verb.EDIT_SITE)
    found = Profile.objects.filter(name=name).first()
    if found is None and not edits:
        raise Http404
    form = ProfileForm(found or Profile(name=name), posted(request))
    acts = form.is_valid()
    unasked = acts and form.leaves_unasked()
    if acts and not unasked and carried_out(form, _save, name=name, form=form, actor=person.email):
        messages.success(request, "Saved. The next message obeys it.")
        return redirect("profile", name)
    shown = {
        "name": name,
        "profile": found,
        "form": form,
        "groups": grouped(form, NOWHERE, chain_of_profile(found)),  # layers are no place to link to
        "level": "Profile",
        "treatments": meanings(),
        "may_edit": edits,
        "no_locks": True,
        "unasked": unasked,
    }
    status = UNPROCESSABLE if form.errors or unasked else 200
    return render(request, "networks/profile.html", shown, status=status)


@require_POST
def drop_profile(request: HttpRequest, name: str) -> HttpResponse:
    person = allowed(request, Verb.EDIT_SITE)
    told(request, f"{name} is removed.", remove_profile, name=name, actor=person.email)
    return redirect("networks")


def _save(name: str, form: ProfileForm, actor: str) -> None:
    with because(form.cleaned_data["why"]):
        change_profile(name=name, values=form.changes(), actor=actor, **form.ways())
