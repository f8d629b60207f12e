"""From verdicts to deliveries: equal copies share a transaction (O-3, O-4; BB-9, BB-38)."""

from dataclasses import replace

from smtpfilter.verdict.decide import decide
from smtpfilter.verdict.plan import Plan, make_plan
from tests.unit.builders import (
    ANN,
    BAD_HEADER,
    BOB,
    CAROL,
    CLEAN,
    EICAR,
    OSCAR,
    case,
    scored,
)

DORA = "dora@example.com"


def groups(plan: Plan) -> list[list[str]]:
    return [[str(r.address) for r in delivery.recipients] for delivery in plan.deliveries]


def test_recipients_with_equal_copies_share_one_delivery() -> None:
    plan = make_plan(tuple(decide(case(who), CLEAN) for who in (ANN, OSCAR, BOB)))

    assert groups(plan) == [[ANN, BOB], [OSCAR]]
    assert not plan.keep


def test_lover_normal_and_bypassing_recipient_of_one_virus() -> None:
    """BB-9, L-4."""
    plan = make_plan(
        (
            decide(case(ANN, virus_lover=True), EICAR),
            decide(case(BOB), EICAR),
            decide(case(CAROL, bypass_virus_checks=True), EICAR),
        )
    )

    assert groups(plan) == [[ANN], [CAROL]]
    assert plan.keep
    assert [verdict.keep for verdict in plan.verdicts] == [True, True, False]


def test_different_levels_and_tags_make_different_copies() -> None:
    """BB-38: no user's tag on another's copy."""
    never = {"spam_kill_level": 100.0}
    plan = make_plan(
        (
            decide(case(ANN, **never, spam_subject_tag2="[a] "), scored(10)),
            decide(case(BOB, **never, spam_subject_tag2="[b] "), scored(10)),
            decide(case(CAROL, **never, spam_tag2_level=20.0), scored(10)),
        )
    )

    assert groups(plan) == [[ANN], [BOB], [CAROL]]
    assert [delivery.edits.subject_tag for delivery in plan.deliveries] == ["[a] ", "[b] ", ""]


def test_what_a_copy_says_about_one_recipient_no_other_gets() -> None:
    """O-4: alerts and X-Quarantine-ID belong to what makes copies equal."""
    both = replace(EICAR, bad_headers=BAD_HEADER.bad_headers)
    lover = {"virus_lover": True}
    plan = make_plan(
        (
            decide(case(ANN, **lover), both),
            decide(case(BOB, **lover, bypass_header_checks=True), both),
            decide(case(CAROL, **lover, virus_quarantine_to=""), both),
            decide(case(DORA, **lover), both),
        )
    )

    assert groups(plan) == [[ANN, DORA], [BOB], [CAROL]]
    fields = [[name for name, _ in delivery.edits.prepend] for delivery in plan.deliveries]
    assert [names.count("X-Amavis-Alert") for names in fields] == [2, 1, 2]
    assert ["X-Quarantine-ID" in names for names in fields] == [True, True, False]


def test_nothing_is_delivered_to_those_who_are_blocked() -> None:
    plan = make_plan((decide(case(), EICAR),))

    assert plan.deliveries == ()
    assert plan.keep


def test_each_way_to_a_next_hop_is_a_delivery_of_its_own() -> None:
    """E-10, O-3."""
    elsewhere = {"forward_method": "smtp:[10.0.0.1]:25"}
    people = (case(ANN), case(BOB, **elsewhere), case(CAROL), case(DORA, **elsewhere))
    plan = make_plan(tuple(decide(one, CLEAN) for one in people))

    assert groups(plan) == [[ANN, CAROL], [BOB, DORA]]
    assert [delivery.forward_method for delivery in plan.deliveries] == ["", "smtp:[10.0.0.1]:25"]
