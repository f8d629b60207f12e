"""DNS is a part of the appliance's health where it is needed, and only there."""

import pytest

from appliance.status.edit import set_setting
from appliance.status.health import probe_all
from smtpfilter.config import ConfigError, FilterConfig
from tests.doubles.dns import DnsServer


@pytest.mark.django_db(transaction=True)
def test_dns_is_probed_while_senders_are_asked_about() -> None:
    with DnsServer() as dns:
        config = FilterConfig(dns=dns.endpoint)
        assert "dns" not in probe_all(config)
        set_setting(name="sender_authentication", value=True, actor="test")
        probe = probe_all(config)["dns"]
        assert probe.ok
        assert str(dns.endpoint) in probe.detail
        assert ". NS" in dns.asked
        dns.servfail.add(".")
        assert not probe_all(config)["dns"].ok


def test_the_resolver_is_an_ip_address() -> None:
    assert str(FilterConfig.from_environment({"FILTER_DNS": "[::1]:53"}).dns) == "[::1]:53"
    with pytest.raises(ConfigError, match="IP address"):
        FilterConfig.from_environment({"FILTER_DNS": "resolver.example.com:53"})
