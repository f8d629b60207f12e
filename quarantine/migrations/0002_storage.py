"""What models cannot say: held octets are not compressed, and events are append-only."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION quarantine_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'quarantine_event is append-only';
END $$;
CREATE TRIGGER quarantine_event_append_only BEFORE UPDATE OR DELETE ON quarantine_event
    FOR EACH ROW EXECUTE FUNCTION quarantine_event_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("quarantine", "0001_journal")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE quarantine_body_chunk ALTER COLUMN octets SET STORAGE EXTERNAL",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            REFUSE,
            "DROP TRIGGER quarantine_event_append_only ON quarantine_event;"
            "DROP FUNCTION quarantine_event_refuse()",
        ),
    ]
