from django.db import migrations, models
from django.utils import timezone


def reckon(apps, schema_editor):
    """When the next step is to be taken is worked out with the deadlines."""
    unfinished = apps.get_model("tickets", "Ticket").objects.exclude(state__in=["resolved", "closed"])
    unfinished.update(reckon_at=timezone.now())


class Migration(migrations.Migration):

    dependencies = [
        ('tickets', '0006_loose_files'),
    ]

    operations = [
        migrations.AddField(
            model_name='ticket',
            name='next_step_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='ticket',
            index=models.Index(condition=models.Q(('next_step_at__isnull', False)), fields=['next_step_at'], name='ticket_to_escalate'),
        ),
        migrations.RunPython(reckon, migrations.RunPython.noop),
    ]
