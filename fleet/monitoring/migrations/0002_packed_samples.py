"""Samples become one packed row per device and poll, partitioned by day on PostgreSQL.

What was measured before this migration is dropped: at most thirty days of history, which no alert, ticket or evidence refers
to. How each device is now (`Health`) stays.
"""

import django.db.models.deletion
from django.db import migrations, models

from fleet.monitoring.migrations._partitioned import CreatePartitioned


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0002_initial'),
        ('monitoring', '0001_initial'),
    ]

    operations = [
        migrations.DeleteModel(name='Sample'),
        migrations.CreateModel(
            name='Layout',
            fields=[
                ('id', models.AutoField(primary_key=True, serialize=False)),
                ('digest', models.CharField(max_length=64, unique=True)),
                ('names', models.JSONField()),
            ],
        ),
        CreatePartitioned(
            name='Sample',
            fields=[
                ('pk', models.CompositePrimaryKey('device_id', 'polled_at', blank=True, editable=False, primary_key=True, serialize=False)),
                ('polled_at', models.DateTimeField()),
                ('values', models.BinaryField()),
                ('device', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='samples', to='devices.device')),
                ('layout', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='monitoring.layout')),
            ],
            options={
                'indexes': [models.Index(fields=['polled_at'], name='sample_time')],
            },
            by='polled_at',
            time_index='sample_time',
        ),
    ]
