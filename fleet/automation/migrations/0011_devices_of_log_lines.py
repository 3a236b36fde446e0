from collections import Counter
from typing import Any

from django.db import migrations


def name_the_devices(apps: Any, _schema_editor: Any) -> None:
    """Of lines that know their device by name, run by run; a name that two devices have in the run tells nothing."""
    line, host = apps.get_model("automation", "LogLine"), apps.get_model("automation", "HostResult")
    unnamed = line.objects.filter(host__gt="", device=None)
    for run in list(unnamed.order_by("run").values_list("run", flat=True).distinct()):
        devices = dict(host.objects.filter(run=run).values_list("device", "device__name"))
        often = Counter(devices.values())
        for device, name in devices.items():
            if often[name] == 1:
                unnamed.filter(run=run, host=name).update(device=device)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("automation", "0010_checks_bindings_and_reasons")]
    operations = [migrations.RunPython(name_the_devices, migrations.RunPython.noop, elidable=True)]
