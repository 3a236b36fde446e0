import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

RING_STATES = {
    "running": "running",
    "verifying": "verifying",
    "confirmed": "passed",
    "refuted": "halted",
    "unknown": "halted",
    "failed": "halted",
    "lost": "halted",
    "rejected": "skipped",
    "cancelled": "skipped",
}
TARGET_STATES = {
    "running": "running",
    "verifying": "running",
    "confirmed": "confirmed",
    "rejected": "skipped",
    "cancelled": "skipped",
}
UNDONE = {"failed", "unreachable", "unknown"}


def into_one_ring(apps, _schema_editor):
    """Changes of before went out in one step: one ring, in which every device stands as its latest execution left it."""
    changes, rings = apps.get_model("automation", "Change"), apps.get_model("automation", "Ring")
    targets, runs = apps.get_model("automation", "Target"), apps.get_model("automation", "Run")
    for pk, state in changes.objects.values_list("pk", "state").iterator():
        ring = rings.objects.create(change_id=pk, number=1, title="all", state=RING_STATES.get(state, "waiting"))
        mine = targets.objects.filter(change_id=pk)
        mine.update(ring=ring, state=TARGET_STATES.get(state, "waiting"))
        executed = runs.objects.filter(change_id=pk).exclude(kind="preview")
        executed.update(ring=ring)
        last = executed.filter(kind="apply", started_at__isnull=False).order_by("-id").first()
        if last is not None and state in {"refuted", "unknown", "failed", "lost"}:
            for device_id, host, verdict in last.hosts.values_list("device_id", "state", "verdict"):
                stands = host if host in UNDONE else verdict or "unknown"
                mine.filter(device_id=device_id).update(state=stands)


class Migration(migrations.Migration):

    dependencies = [
        ('automation', '0003_initial'),
        ('devices', '0004_controllers'),
        ('sites', '0003_bells_of_each_weekday'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Ring',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveSmallIntegerField()),
                ('title', models.CharField(choices=[('pilot', 'Pilot'), ('site', 'One school'), ('share', 'Some schools'), ('all', 'All devices'), ('rest', 'All others')], max_length=20)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('verifying', 'Being measured'), ('passed', 'Passed'), ('halted', 'Halted'), ('skipped', 'Not done')], default='waiting', max_length=10)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, max_length=40)),
                ('details', models.JSONField(default=dict)),
            ],
            options={
                'ordering': ('number',),
            },
        ),
        migrations.RemoveConstraint(
            model_name='run',
            name='run_attempt_once',
        ),
        migrations.AddField(
            model_name='change',
            name='relaunch_of',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='relaunches', to='automation.change'),
        ),
        migrations.AddField(
            model_name='change',
            name='strategy',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='change',
            name='wish',
            field=models.CharField(blank=True, choices=[('', 'Go on'), ('pause', 'Pause'), ('stop', 'Stop'), ('roll-back', 'Roll back')], default='', max_length=10),
        ),
        migrations.AddField(
            model_name='change',
            name='taking_back_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='step',
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name='target',
            name='state',
            field=models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('confirmed', 'Confirmed'), ('refuted', 'Refuted'), ('unknown', 'Not known'), ('failed', 'Failed'), ('unreachable', 'Unreachable'), ('pending-offline', 'Offline, done when it is back'), ('skipped', 'Not done'), ('rolled-back', 'Rolled back')], default='waiting', max_length=16),
        ),
        migrations.AddField(
            model_name='target',
            name='step',
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AlterField(
            model_name='change',
            name='site',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='%(class)ss', to='sites.site'),
        ),
        migrations.AlterField(
            model_name='change',
            name='state',
            field=models.CharField(choices=[('previewing', 'Being checked'), ('awaiting-approval', 'Waiting for approval'), ('approved', 'Approved, waiting for its time'), ('running', 'Running'), ('verifying', 'Being measured'), ('confirmed', 'Done and measured'), ('refuted', 'Without effect'), ('unknown', 'Effect not known'), ('failed', 'Failed'), ('lost', 'Lost, not repeated'), ('rejected', 'Rejected'), ('cancelled', 'Cancelled'), ('paused', 'Paused'), ('halted', 'Halted'), ('rolling-back', 'Being rolled back'), ('rolled-back', 'Rolled back and measured'), ('nothing-to-do', 'Nothing to do')], default='previewing', max_length=20),
        ),
        migrations.AlterField(
            model_name='hostresult',
            name='state',
            field=models.CharField(choices=[('pending', 'Waiting'), ('ok', 'Nothing to change'), ('changed', 'Changed'), ('failed', 'Failed'), ('unreachable', 'Unreachable'), ('not-started', 'Not started'), ('offline', 'Offline, not tried'), ('unknown', 'Not known')], default='pending', max_length=12),
        ),
        migrations.AddField(
            model_name='ring',
            name='change',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rings', to='automation.change'),
        ),
        migrations.AddField(
            model_name='run',
            name='ring',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='automation.ring'),
        ),
        migrations.AddField(
            model_name='target',
            name='ring',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='targets', to='automation.ring'),
        ),
        migrations.AddIndex(
            model_name='target',
            index=models.Index(fields=['change', 'state'], name='target_state'),
        ),
        migrations.AddIndex(
            model_name='target',
            index=models.Index(fields=['ring', 'step'], name='target_step'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('ring__isnull', True)), fields=('change', 'kind', 'attempt'), name='run_attempt_once'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.UniqueConstraint(condition=models.Q(('ring__isnull', False)), fields=('change', 'kind', 'ring', 'step', 'attempt'), name='run_attempt_once_a_step'),
        ),
        migrations.AddConstraint(
            model_name='ring',
            constraint=models.UniqueConstraint(fields=('change', 'number'), name='ring_once'),
        ),
        migrations.RunPython(into_one_ring, migrations.RunPython.noop, elidable=True),
    ]
