"""Test mail of going live through a real filter with real engines."""

import pytest

from appliance.errors import Refused
from appliance.policies.edit import set_fields
from quarantine.testmail import SAMPLES, read_results, send_tests
from smtpfilter.config import Endpoint, FilterConfig
from tests.doubles.next_hop import NextHop
from tests.flows.running import RunningFilter


@pytest.fixture
def config(postern: RunningFilter) -> FilterConfig:
    host, port = postern.address
    return FilterConfig(hostname="mx.example.net", listen=(Endpoint(host=host, port=port),))


def test_all_test_mail_ends_as_told(config: FilterConfig, hop: NextHop) -> None:
    sent = send_tests(recipient="bob@example.com", config=config)

    assert [result.sample for result in sent] == list(SAMPLES)
    assert [result.as_told for result in sent] == [True] * 4
    assert [transaction.accepted for transaction in hop.ledger] == [["bob@example.com"]]
    rows = {result.sample.name: result.row.pk for result in sent if result.row}
    assert read_results(rows) == sent


def test_a_virus_that_its_policy_delivers_is_not_as_told(config: FilterConfig) -> None:
    set_fields(key="bob@example.com", values={"virus_lover": "yes"}, actor="test")

    sent = send_tests(recipient="bob@example.com", config=config)

    assert [result.sample.name for result in sent if not result.as_told] == ["virus"]


def test_test_mail_stays_in_the_house(config: FilterConfig, hop: NextHop) -> None:
    with pytest.raises(Refused, match="in no local domain"):
        send_tests(recipient="bob@foreign.example", config=config)

    assert not hop.ledger


def test_a_next_hop_that_is_down_is_told(config: FilterConfig, hop: NextHop) -> None:
    hop.script.recipient = "451 4.3.0 busy"

    with pytest.raises(Refused, match="did not take a harmless mail: 451"):
        send_tests(recipient="bob@example.com", config=config)
