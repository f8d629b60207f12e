"""Own mail is found by its Message-ID."""

import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("quarantine", "0005_reply_hop"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="mailrecord",
            index=django.contrib.postgres.indexes.HashIndex(
                condition=models.Q(
                    ("originating", True),
                    models.Q(("message_id", ""), _negated=True),
                ),
                fields=["message_id"],
                name="own_mail_by_message_id",
            ),
        ),
    ]
