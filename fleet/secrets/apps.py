from django.apps import AppConfig


class SecretsConfig(AppConfig):
    name = "fleet.secrets"
    verbose_name = "Secrets"
