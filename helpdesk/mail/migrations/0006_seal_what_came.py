"""Mail as it came is sealed, each under its own key.

Not atomic: a row and its new file are through before what lay open goes, so whoever is killed in between goes on here.
"""

import uuid
from pathlib import Path

from django.conf import settings
from django.db import migrations

from fleet.secrets import sealed


def seal(apps, _schema_editor):
    """What lay open goes when no row speaks of it any more: it may have been shared."""
    root = Path(settings.MEDIA_ROOT)
    mails = apps.get_model('mail', 'IncomingMail').objects
    waiting = mails.filter(secret__isnull=True).exclude(file='')
    for pk, name in waiting.order_by('pk').values_list('pk', 'file'):
        if not (root / name).exists():
            continue
        key, fresh = sealed.fresh_key(), uuid.uuid4().hex
        target = root / 'mail' / fresh[:2] / fresh
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (root / name).open('rb') as clear, target.open('xb') as closed:
            target.chmod(0o600)
            sealed.seal(clear, closed, key)
        mails.filter(pk=pk).update(secret={'key': key}, file=str(target.relative_to(root)))
        if not mails.filter(file=name).exists():
            (root / name).unlink(missing_ok=True)


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('mail', '0005_sealed_and_watched'),
    ]

    operations = [
        migrations.RunPython(seal, migrations.RunPython.noop),
    ]
