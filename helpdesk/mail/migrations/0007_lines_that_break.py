"""A mailbox keeps at which mails its line broke."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mail', '0006_seal_what_came'),
    ]

    operations = [
        migrations.AddField(
            model_name='mailbox',
            name='tries',
            field=models.JSONField(default=dict),
        ),
    ]
