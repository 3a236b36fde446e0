from django.urls import path

from fleet.automation.views import backups, compliance, drift, intent

urlpatterns = [
    path("backups/", backups.index, name="backups"),
    path("backups/<int:pk>/", backups.version, name="backup"),
    path("backups/<int:pk>/download/", backups.download, name="backup-download"),
    path("backups/<int:pk>/restore/", backups.restore, name="backup-restore"),
    path("backups/device/<int:pk>/", backups.of_device, name="device-backups"),
    path("backups/device/<int:pk>/fetch/", backups.fetch, name="backup-fetch"),
    path("drift/", drift.drift, name="drift"),
    path("drift/checks/", drift.checks, name="checks"),
    path("drift/<int:pk>/adopt/", drift.adopt, name="drift-adopt"),
    path("drift/<int:pk>/restore/", drift.restore, name="drift-restore"),
    path("drift/<int:pk>/ignore/", drift.ignore, name="drift-ignore"),
    path("compliance/", compliance.compliance, name="compliance"),
    path("compliance/export/", compliance.compliance_csv, name="compliance-csv"),
    path("intent/", intent.intent, name="intent"),
    path("intent/zones/", intent.set_zone, name="zone-set"),
    path("intent/zones/<int:pk>/forget/", intent.forget_zone, name="zone-forget"),
    path("intent/<int:pk>/forget/", intent.forget, name="intent-forget"),
]
