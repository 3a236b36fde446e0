from django.urls import path

from fleet.monitoring.views import faults

app_name = "monitoring"
urlpatterns = [
    path("", faults.index, name="faults"),
    path("<int:pk>/", faults.detail, name="alert"),
    path("<int:pk>/acknowledge/", faults.acknowledge, name="acknowledge"),
]
