"""When a device is walked stands beside when it is polled, with one index for each way of looking for work."""

from typing import Any

import django.utils.timezone
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def keep_what_is_due(apps: Any, _schema_editor: Any) -> None:
    health, latest = apps.get_model("monitoring", "Health"), apps.get_model("monitoring", "Latest")
    said = latest.objects.filter(health=OuterRef("pk")).values("walk_due_at")
    health.objects.filter(latest__isnull=False).update(walk_due_at=Subquery(said))


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0006_logins_to_git"),
        ("monitoring", "0014_latest_counted_at"),
        ("sites", "0003_bells_of_each_weekday"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="health", name="health_due"),
        migrations.AddField(
            model_name="health",
            name="walk_due_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AlterField(
            model_name="health",
            name="next_poll_at",
            field=models.DateTimeField(default=django.utils.timezone.now, null=True),
        ),
        migrations.RunPython(keep_what_is_due, migrations.RunPython.noop, elidable=True),
        migrations.RemoveField(model_name="latest", name="walk_due_at"),
        migrations.AddIndex(
            model_name="health",
            index=models.Index(condition=models.Q(("failures", 0)), fields=["next_poll_at"], name="health_due"),
        ),
        migrations.AddIndex(
            model_name="health",
            index=models.Index(condition=models.Q(("failures__gt", 0)), fields=["next_poll_at"], name="health_due_silent"),
        ),
        migrations.AddIndex(
            model_name="health",
            index=models.Index(condition=models.Q(("failures", 0)), fields=["walk_due_at"], name="health_walk_due"),
        ),
    ]
