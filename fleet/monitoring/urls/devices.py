from django.urls import path

from fleet.monitoring.views import device, devices, history, limits

app_name = "devices"
urlpatterns = [
    path("", devices.index, name="list"),
    path("bulk/", devices.bulk, name="bulk"),
    path("<int:pk>/", device.detail, name="detail"),
    path("<int:pk>/uplink/", device.uplink, name="uplink"),
    path("<int:pk>/now/", device.now, name="now"),
    path("<int:pk>/history/", history.history, name="history"),
    path("<int:pk>/happened/", history.happened, name="happened"),
    path("<int:pk>/limits/", limits.of_device, name="limits"),
    path("<int:pk>/poll/", device.poll, name="poll"),
]
