from django.apps import AppConfig


class LabConfig(AppConfig):
    name = "fleet.lab"
    verbose_name = "Lab"
