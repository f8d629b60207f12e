"""Changes of policy are a record: once written, a row of policies_policychange stays as it is."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION policies_policychange_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the record of policy changes is append-only';
END $$;
CREATE TRIGGER policies_policychange_append_only
    BEFORE UPDATE OR DELETE ON policies_policychange
    FOR EACH ROW EXECUTE FUNCTION policies_policychange_refuse();
"""
ALLOW = """
DROP TRIGGER policies_policychange_append_only ON policies_policychange;
DROP FUNCTION policies_policychange_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("policies", "0001_initial")]

    operations = [migrations.RunSQL(REFUSE, ALLOW)]
