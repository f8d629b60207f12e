"""What would have let a stopped message through, beside the reasons of the decision."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("quarantine", "0002_storage")]

    operations = [
        migrations.AddField(
            model_name="recipientrecord",
            name="let_through",
            field=models.JSONField(db_default=[], default=list),
        ),
    ]
