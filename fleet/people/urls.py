from django.urls import path

from fleet.people import views, webhooks

app_name = "people"
urlpatterns = [
    path("address/<str:token>/", views.address, name="address"),
    path("sessions/", views.sessions, name="sessions"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<int:pk>/revoke/", views.revoke_token, name="revoke-token"),
    path("webhooks/", webhooks.index, name="webhooks"),
    path("webhooks/<int:pk>/", webhooks.log, name="webhook"),
    path("webhooks/<int:pk>/act/", webhooks.act, name="webhook-act"),
    path("webhooks/<int:pk>/again/<int:delivery>/", webhooks.again, name="webhook-again"),
]
