"""Mail as it came has a key of its own; mailboxes may be watched."""

import django.utils.timezone
from django.db import migrations, models

import fleet.secrets.fields


class Migration(migrations.Migration):

    dependencies = [
        ('mail', '0004_mail_that_comes_in'),
    ]

    operations = [
        migrations.AddField(
            model_name='incomingmail',
            name='secret',
            field=fleet.secrets.fields.EncryptedJSONField(null=True),
        ),
        migrations.AddField(
            model_name='mailbox',
            name='news_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='mailbox',
            name='watched_until',
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddIndex(
            model_name='incomingmail',
            index=models.Index(fields=['file'], name='mail_in_file'),
        ),
    ]
