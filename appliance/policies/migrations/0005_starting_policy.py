"""The starting policy says something about every setting: those that came with 0004."""

import math

from django.db import migrations

NEVER = math.inf

MORE_OF_THE_STARTING_POLICY = {
    "spam_crediblefrom_dsn_cutoff_level": NEVER,
    "spam_notifyadmin_cutoff_level": NEVER,
    "dmarc_reject_destiny": "pass",
    "dmarc_quarantine_destiny": "pass",
    "spoofed_destiny": "pass",
    "dmarc_reject_points": 0.0,
    "dmarc_quarantine_points": 0.0,
    "spoofed_points": 0.0,
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
}


def seed(apps, schema_editor):
    layers = apps.get_model("policies", "PolicyLayer").objects
    layers.filter(key="@.").update(**MORE_OF_THE_STARTING_POLICY)


class Migration(migrations.Migration):
    dependencies = [("policies", "0004_verdicts")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
