"""The starting policy says something about every setting: those that came with 0006."""

from django.db import migrations


def seed(apps, schema_editor):
    layers = apps.get_model("policies", "PolicyLayer").objects
    layers.filter(key="@.").update(sa_username="", sa_userconf="")


class Migration(migrations.Migration):
    dependencies = [("policies", "0006_preferences")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
