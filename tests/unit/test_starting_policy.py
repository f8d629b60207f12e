"""The starting policy, value by value (design 4.13): what a fresh installation does with mail."""

import pytest

from smtpfilter.policy.banning import BUILT_IN
from smtpfilter.policy.layers import PolicyBook
from smtpfilter.policy.resolve import resolve
from smtpfilter.policy.settings import FIELDS, format_value
from tests.unit.builders import ANN, address

STARTING = {
    "bypass_virus_checks": False,
    "bypass_spam_checks": False,
    "bypass_banned_checks": False,
    "bypass_header_checks": False,
    "virus_lover": False,
    "spam_lover": False,
    "banned_files_lover": False,
    "bad_header_lover": False,
    "unchecked_lover": False,
    "spam_tag_level": -999.0,
    "spam_tag2_level": 6.3,
    "spam_tag3_level": "never",
    "spam_kill_level": 6.3,
    "spam_dsn_cutoff_level": "never",
    "spam_quarantine_cutoff_level": "never",
    "virus_destiny": "discard",
    "banned_destiny": "discard",
    "spam_destiny": "discard",
    "bad_header_destiny": "pass",
    "oversized_destiny": "reject",
    "unchecked_destiny": "discard",
    "unchecked_encrypted_destiny": "discard",
    "unchecked_limits_destiny": "discard",
    "unchecked_ambiguous_destiny": "discard",
    "unchecked_undecodable_destiny": "discard",
    "scanner_failure_destiny": "tempfail",
    "spam_failure_destiny": "tempfail",
    "spam_crediblefrom_dsn_cutoff_level": "never",
    "spam_notifyadmin_cutoff_level": "never",
    "dmarc_reject_destiny": "pass",
    "dmarc_quarantine_destiny": "pass",
    "spoofed_destiny": "pass",
    "dmarc_reject_points": 0.0,
    "dmarc_quarantine_points": 0.0,
    "spoofed_points": 0.0,
    "virus_quarantine_to": "quarantine",
    "banned_quarantine_to": "quarantine",
    "spam_quarantine_to": "quarantine",
    "bad_header_quarantine_to": "quarantine",
    "unchecked_quarantine_to": "quarantine",
    "clean_quarantine_to": "",
    "archive_quarantine_to": "",
    "remove_existing_spam_headers": True,
    "remove_existing_x_scanned_headers": False,
    "allowed_added_header_fields": "all",
    "addr_extension_virus": "",
    "addr_extension_banned": "",
    "addr_extension_spam": "",
    "addr_extension_bad_header": "",
    "forward_method": "",
    "warnvirusrecip": False,
    "warnbannedrecip": False,
    "warnbadhrecip": False,
    "virus_admin": "",
    "newvirus_admin": "",
    "banned_admin": "",
    "spam_admin": "",
    "bad_header_admin": "",
    "unchecked_admin": "",
    "viruses_that_fake_sender": "all",
    "tell_credible_sender": True,
    "notice_language": "en",
    "spam_subject_tag": "",
    "spam_subject_tag2": "",
    "spam_subject_tag3": "",
    "virus_subject_tag": "",
    "unchecked_subject_tag": "",
    "banned_rulenames": "current",
    "sa_username": "",
    "sa_userconf": "",
    "message_size_limit": 0,
}


@pytest.mark.parametrize("name", FIELDS)
def test_the_starting_policy_says(name: str) -> None:
    found = resolve(PolicyBook(), address(ANN))

    assert format_value(getattr(found.settings, name)) == STARTING[name]
    assert found.origins[name] == "default"


def test_the_starting_ban_set_exists() -> None:
    assert "current" in BUILT_IN
