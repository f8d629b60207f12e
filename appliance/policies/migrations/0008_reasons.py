"""Changes of policy say why, are found by key, and cannot be truncated either."""

from django.contrib.postgres.indexes import HashIndex
from django.db import migrations, models

REFUSE = """
CREATE TRIGGER policies_policychange_never_emptied
    BEFORE TRUNCATE ON policies_policychange
    FOR EACH STATEMENT EXECUTE FUNCTION policies_policychange_refuse();
"""
ALLOW = "DROP TRIGGER policies_policychange_never_emptied ON policies_policychange;"


class Migration(migrations.Migration):
    dependencies = [("policies", "0007_starting_policy")]

    operations = [
        migrations.AddField(
            "policychange", "why", models.CharField(blank=True, default="", max_length=500)
        ),
        migrations.AddIndex("policychange", HashIndex(fields=["key"], name="changes_by_key")),
        migrations.RunSQL(REFUSE, ALLOW),
    ]
