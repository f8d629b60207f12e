"""Direction profiles and networks: outbound mail gets its own rules (E-5, K-10)."""

from typing import Any

import pytest

from appliance.policies.models import Profile


def _explained(run: Any, *arguments: str) -> Any:
    settings = run("explain", "ann@example.com", *arguments, "--json").document["settings"]
    return settings["spam_kill_level"]


def test_a_profile_goes_before_all_layers_for_the_mail_that_it_is_for(run: Any) -> None:
    """E-5: port, then network, then login; what no profile says comes from the layers."""
    run("policy", "set", "ann@example.com", "spam_kill_level=8")
    done = run(
        "profiles", "set", "outbound", "spam_kill_level=20", "--originating", "yes", "--json"
    )
    assert done.document == {
        "name": "outbound",
        "settings": {"spam_kill_level": 20.0},
        "ports": [],
        "authenticated": False,
        "originating": True,
    }
    run("profiles", "set", "submission", "spam_kill_level=30", "--port", "10587", "--port", "10465")
    run("profiles", "set", "members", "spam_kill_level=40", "--authenticated", "yes")
    run("networks", "add", "192.0.2.0/24", "--profile", "outbound")
    run("networks", "add", "!192.0.2.7")

    its_own = {"value": 20.0, "origin": "profile outbound"}
    assert _explained(run)["value"] == 8.0
    assert _explained(run, "--client", "192.0.2.1") == its_own
    assert _explained(run, "--client", "192.0.2.7")["value"] == 8.0
    assert _explained(run, "--port", "10587")["origin"] == "profile submission"
    assert _explained(run, "--port", "10587", "--client", "192.0.2.1") == its_own
    login = ("--port", "10587", "--client", "192.0.2.1", "--authenticated")
    assert _explained(run, *login)["origin"] == "profile members"


def test_profiles_are_changed_listed_and_removed(run: Any) -> None:
    run("profiles", "set", "outbound", "spam_lover=yes", "--port", "10587")
    run("networks", "add", "192.0.2.0/24", "--profile", "outbound")

    assert "port 10587" in run("profiles", "show", "outbound").out
    run("profiles", "set", "outbound", "--port", "none", "--originating", "yes")
    assert run("profiles", "unset", "outbound", "spam_lover").code == 0
    assert run("profiles", "list", "--json").document == [
        {
            "name": "outbound",
            "settings": {},
            "ports": [],
            "authenticated": False,
            "originating": True,
        }
    ]
    in_use = run("profiles", "remove", "outbound")
    assert (in_use.code, in_use.err) == (1, "the profile 'outbound' is used by 192.0.2.0/24\n")
    assert run("networks", "add", "192.0.2.0/24").code == 0
    assert run("networks", "list").out == "192.0.2.0/24\n"
    assert run("profiles", "remove", "outbound").code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("profiles", "set", "x", "spam_level=1"), 2),
        (("profiles", "set", "x", "--port", "smtp"), 2),
        (("profiles", "set", "x", "--originating", "maybe"), 2),
        (("profiles", "set", "x", "--port", "65536"), 1),
        (("profiles", "set", "a/b", "spam_lover=yes"), 1),
        (("profiles", "set", "x", "spam_kill_level=1", "spam_tag2_level=2"), 1),
        (("profiles", "show", "x"), 1),
        (("profiles", "unset", "x", "spam_lover"), 1),
        (("networks", "add", "192.0.2.0/24", "--profile", "x"), 1),
        (("networks", "add", "!192.0.2.0/24", "--profile", "outbound"), 1),
        (("explain", "ann@example.com", "--client", "example.com"), 1),
    ],
)
def test_what_cannot_be_is_refused(run: Any, arguments: tuple[str, ...], code: int) -> None:
    run("profiles", "set", "outbound")

    assert run(*arguments).code == code
    assert [profile.name for profile in Profile.objects.all()] == ["outbound"]
    assert run("networks", "list").out == ""
