"""The overview: a period in figures, charts with the tables that say the same, who is on top; all
of it inside the person's scope, and by itself up to date.
"""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from appliance.policies.edit import set_fields
from quarantine.models import RecipientRecord
from smtpfilter.mail.findings import Findings, Virus
from smtpfilter.verdict.category import Category
from tests.evidence.builders import held
from tests.web import many
from tests.web.browser import visitor
from tests.web.conftest import Cast, record

DAYS_AGO = timedelta(days=3)


def figures(page: str, name: str) -> dict[str, Any]:
    """Return the JSON that the chart of this name is drawn from."""
    found = re.search(rf'<script id="{name}-figures"[^>]*>(.*?)</script>', page)
    assert found
    return dict(json.loads(found[1]))


def totals(page: str, name: str) -> dict[str, int]:
    return {one["label"]: sum(one["values"]) for one in figures(page, name)["series"]}


def overview(cast: Cast, role: str = "administrator", query: str = "", **headers: str) -> str:
    response = cast.client(role).get(f"/{query}", headers=headers)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(
    ("query", "bars", "held_ones"),
    [("", 25, 1), ("?period=week", 29, 2), ("?period=month", 31, 2), ("?period=never", 25, 1)],
)
def test_a_period_is_shown_in_steps_none_left_out(
    cast: Cast, query: str, bars: int, held_ones: int
) -> None:
    record()
    record(now=datetime.now(UTC) - DAYS_AGO)

    page = overview(cast, query=query)

    assert len(figures(page, "traffic")["labels"]) == bars
    assert totals(page, "traffic") == {"Held": held_ones}
    assert totals(page, "found") == {"Spam": held_ones}


def test_a_manager_sees_figures_of_the_own_domains_only(cast: Cast) -> None:
    """R-17: charts and rankings are narrowed by the same clause as lists."""
    record(held("olga@example.com"))
    record(
        held("otto@other.example", blocked_by=Category.VIRUS),
        mail_from="foe@elsewhere.example",
        findings=Findings(viruses=(Virus("Foreign.Virus", "clamd"),)),
    )

    mine, all_of_it = overview(cast, "manager"), overview(cast)

    assert totals(mine, "found") == {"Spam": 1}
    assert totals(all_of_it, "found") == {"Spam": 1, "Virus": 1}
    for foreign in ("otto@other.example", "foe@elsewhere.example", "Foreign.Virus"):
        assert foreign not in mine
        assert foreign in all_of_it


def test_the_table_says_what_the_chart_says_and_leads_to_the_mail(cast: Cast) -> None:
    record()

    page = overview(cast, query="?period=week")

    table = page[page.index('id="traffic-twin"') :]
    assert table[: table.index("</details>")].count('<th scope="row">') == 29
    link = figures(page, "traffic")["series"][0]["link"]
    assert link == "/mails/?outcome=held&period=week"
    assert "hello" in cast.client("administrator").get(link).content.decode()


def test_the_levels_are_those_of_the_only_domain_else_of_the_site(cast: Cast) -> None:
    levels = {"spam_tag2_level": "6", "spam_kill_level": "9"}
    set_fields(key="@.", values=levels, actor="tests")
    set_fields(key="example.com", values={"spam_kill_level": "7.5"}, actor="tests")
    record()

    places = [
        {line["label"]: line["place"] for line in figures(overview(cast, role), "scores")["lines"]}
        for role in ("administrator", "manager")
    ]

    assert [place["held"] for place in places] == [19, 17.5]  # counted from -10 points on
    assert [place["learnt as spam"] for place in places] == [22, 22]


def test_rules_of_mail_that_is_released_are_suspects(cast: Cast) -> None:
    """Three held copies by GTUBE, one of them released."""
    rows = [record() for _ in range(3)]
    RecipientRecord.objects.filter(pk=rows[0].pk).update(state="released")

    page = overview(cast)

    assert re.search(r'GTUBE</bdi>.*?Held">3<.*?Released">1<.*?Rate">33 %', page, re.DOTALL)


def test_the_page_renews_itself_without_its_frame(cast: Cast) -> None:
    record()

    page = overview(cast, query="?period=week", **{"HX-Request": "true", "HX-Target": "live"})

    assert page.lstrip().startswith('<div class="living" id="live" hx-get="/?period=week"')
    assert '<nav aria-label="Main"' not in page


def test_charts_are_drawn_and_drawn_again(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    """Under the strict CSP; what was opened stays open over a renewal."""
    many.write(count=300, ends=datetime.now(UTC), lasts=timedelta(days=1))
    ada = visitor(chromium, live_server)
    ada.log_in(live_cast.administrator)
    drawn = (
        "() => [...document.querySelectorAll('canvas')].filter(one => Chart.getChart(one)).length"
    )
    ada.page.wait_for_function(f"({drawn})() === 3")
    ada.page.locator("#traffic-twin summary").click()
    ada.page.evaluate("document.activeElement.blur()")

    with ada.page.expect_response(re.compile("period=day")):
        ada.page.evaluate("htmx.ajax('GET', '/?period=day', {target: '#live', swap: 'outerHTML'})")

    ada.page.wait_for_function(f"({drawn})() === 3")
    expect(ada.page.locator("#traffic-twin table")).to_be_visible()
    expect(ada.page.get_by_text("Mail is flowing")).to_be_visible()
    assert ada.alarms == []


def test_without_script_the_tables_are_there(
    chromium: Browser, live_server: LiveServer, live_cast: Cast
) -> None:
    many.write(count=50, ends=datetime.now(UTC), lasts=timedelta(days=1))
    ada = visitor(chromium, live_server, java_script_enabled=False)
    ada.log_in(live_cast.administrator)
    ada.page.locator("#scores-twin summary").click()

    expect(ada.page.locator("#scores-twin table")).to_be_visible()
    expect(ada.page.locator("canvas").first).to_be_hidden()
