from django.urls import path

from fleet.monitoring.views import discovery, groups, limits, sites

app_name = "sites"
urlpatterns = [
    path("", sites.index, name="list"),
    path("poll-groups/", groups.index, name="poll-groups"),
    path("poll-groups/<int:pk>/", groups.detail, name="poll-group"),
    path("<int:pk>/", sites.detail, name="detail"),
    path("<int:pk>/searches/", discovery.index, name="searches"),
    path("<int:pk>/limits/", limits.of_site, name="limits"),
]
