from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("status", "0004_second_factor"),
    ]

    operations = [
        migrations.CreateModel(
            name="GoingLiveStep",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("step", models.CharField(max_length=50, unique=True)),
                ("done_at", models.DateTimeField(auto_now_add=True)),
                ("done_by", models.CharField(max_length=254)),
            ],
        ),
    ]
