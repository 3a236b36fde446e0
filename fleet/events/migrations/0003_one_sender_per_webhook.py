from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0002_webhooks'),
    ]

    operations = [
        migrations.AddField(
            model_name='webhook',
            name='busy_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='webhook',
            name='idempotency_key',
            field=models.CharField(blank=True, max_length=100, null=True, unique=True),
        ),
    ]
