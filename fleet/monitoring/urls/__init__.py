from django.urls import path

from fleet.monitoring.views import discovery, faults, limits

app_name = "monitoring"
urlpatterns = [
    path("", faults.index, name="faults"),
    path("searches/<int:pk>/", discovery.detail, name="search"),
    path("searches/<int:pk>/stop/", discovery.stop, name="stop-search"),
    path("searches/<int:pk>/add/", discovery.add, name="add-found"),
    path("<int:pk>/", faults.detail, name="alert"),
    path("<int:pk>/acknowledge/", faults.acknowledge, name="acknowledge"),
    path("<int:pk>/snooze/", faults.snooze, name="snooze"),
    path("<int:pk>/wake/", faults.wake, name="wake"),
    path("<int:pk>/comment/", faults.comment, name="comment"),
    path("limits/<int:authority>/<slug:kind>/", limits.of_kind, name="kind-limits"),
]
