from django.urls import path

from fleet.monitoring.views import devices

app_name = "devices"
urlpatterns = [
    path("", devices.index, name="list"),
    path("<int:pk>/", devices.detail, name="detail"),
    path("<int:pk>/now/", devices.now, name="now"),
    path("<int:pk>/history/", devices.history, name="history"),
    path("<int:pk>/poll/", devices.poll, name="poll"),
]
