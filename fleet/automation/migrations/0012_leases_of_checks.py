import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("automation", "0011_devices_of_log_lines")]
    operations = [
        migrations.AddField(model_name="sitecheck", name="lease_until", field=models.DateTimeField(null=True)),
        migrations.AddField(model_name="sitecheck", name="token", field=models.UUIDField(default=uuid.uuid4)),
    ]
