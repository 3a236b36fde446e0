from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("automation", "0012_leases_of_checks")]
    operations = [
        migrations.RemoveField(model_name="boxend", name="next_try_at"),
        migrations.RemoveField(model_name="boxend", name="tries"),
    ]
