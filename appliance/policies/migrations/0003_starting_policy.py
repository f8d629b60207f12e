"""The site layer of a fresh installation: the starting policy, each value in words or numbers."""

import math

from django.db import migrations

NEVER = math.inf

STARTING_POLICY = {
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
    "spam_tag3_level": NEVER,
    "spam_kill_level": 6.3,
    "spam_dsn_cutoff_level": NEVER,
    "spam_quarantine_cutoff_level": NEVER,
    "virus_destiny": "discard",
    "banned_destiny": "discard",
    "spam_destiny": "discard",
    "bad_header_destiny": "pass",
    "oversized_destiny": "reject",
    "unchecked_destiny": "discard",  # its four kinds follow it: they stay empty
    "scanner_failure_destiny": "tempfail",
    "spam_failure_destiny": "tempfail",
    "virus_quarantine_to": "quarantine",
    "banned_quarantine_to": "quarantine",
    "spam_quarantine_to": "quarantine",
    "bad_header_quarantine_to": "quarantine",
    "unchecked_quarantine_to": "quarantine",
    "spam_subject_tag": "",
    "spam_subject_tag2": "",
    "spam_subject_tag3": "",
    "virus_subject_tag": "",
    "unchecked_subject_tag": "",
    "banned_rulenames": "current",
    "message_size_limit": 0,
}


def seed(apps, schema_editor):
    apps.get_model("policies", "PolicyLayer").objects.create(key="@.", **STARTING_POLICY)


class Migration(migrations.Migration):
    dependencies = [("policies", "0002_append_only")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
