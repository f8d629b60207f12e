import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("engines", "0003_learning"),
    ]

    operations = [
        migrations.AddField(
            model_name="rendering",
            name="seen_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
    ]
