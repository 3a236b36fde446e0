from django.db import migrations

FURTHER_SCHOOL_DAYS = (1, 2, 3, 4)


def repeat(apps, schema_editor):
    """Bells were the same from Monday to Friday; now each weekday has its own."""
    bells = apps.get_model("sites", "BellPeriod")
    known = bells.objects.filter(weekday=0).values("authority_id", "site_id", "kind", "number", "starts_at", "ends_at")
    rows = [bells(**row, weekday=weekday) for row in known for weekday in FURTHER_SCHOOL_DAYS]
    bells.objects.bulk_create(rows, batch_size=500)


def keep_monday(apps, schema_editor):
    bells = apps.get_model("sites", "BellPeriod")
    bells.objects.exclude(weekday=0, kind="lesson").delete()


class Migration(migrations.Migration):
    dependencies = [("sites", "0002_school_calendar")]
    operations = [migrations.RunPython(repeat, keep_monday)]
