"""The named policies that Postern brings along; a site may change or remove them."""

from django.db import migrations

CHECKED = {
    "bypass_virus_checks": False,
    "bypass_spam_checks": False,
    "bypass_banned_checks": False,
    "bypass_header_checks": False,
    "virus_lover": False,
}
LOVED = ("spam_lover", "banned_files_lover", "bad_header_lover", "unchecked_lover")
ACTED_ON = CHECKED | dict.fromkeys(LOVED, False)
POLICIES = {
    "standard": {
        **ACTED_ON,
        "spam_tag2_level": 6.3,
        "spam_kill_level": 6.3,
        "spam_destiny": "discard",
        "bad_header_destiny": "pass",
    },
    "careful": {
        **ACTED_ON,
        "spam_tag2_level": 6.3,
        "spam_kill_level": 10.0,
        "spam_destiny": "discard",
        "spam_quarantine_to": "quarantine",
        "bad_header_destiny": "pass",
    },
    "strict": {
        **ACTED_ON,
        "spam_tag2_level": 4.0,
        "spam_kill_level": 5.0,
        "spam_destiny": "discard",
        "spam_quarantine_to": "quarantine",
        "bad_header_destiny": "discard",
        "bad_header_quarantine_to": "quarantine",
        "unchecked_destiny": "discard",
        "unchecked_quarantine_to": "quarantine",
    },
    "mark only": {**CHECKED, **dict.fromkeys(LOVED, True)},
    "not filtered": {
        **dict.fromkeys(CHECKED, True),
        **dict.fromkeys(LOVED, True),
    },
}


def seed(apps, schema_editor):
    policies = apps.get_model("policies", "NamedPolicy").objects
    for name, settings in POLICIES.items():
        policies.get_or_create(name=name, defaults=settings)


class Migration(migrations.Migration):
    dependencies = [("policies", "0008_reasons")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
