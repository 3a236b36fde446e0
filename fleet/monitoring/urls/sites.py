from django.urls import path

from fleet.monitoring.views import sites

app_name = "sites"
urlpatterns = [
    path("", sites.index, name="list"),
    path("<int:pk>/", sites.detail, name="detail"),
]
