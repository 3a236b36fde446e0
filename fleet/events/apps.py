from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "fleet.events"
    verbose_name = "Events"

    def ready(self) -> None:
        from fleet.events import consumers, webhooks
        from fleet.events import exposition as measures
        from fleet.web import exposition

        consumers.register(webhooks.NAME, None, webhooks.consume, webhooks.concerned)
        exposition.register("events", measures.ourselves)
