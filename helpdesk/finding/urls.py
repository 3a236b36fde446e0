from django.urls import path

from helpdesk.finding.views import kept, reports, saved, search

app_name = "finding"
urlpatterns = [
    path("search/", search.search, name="search"),
    path("reports/", reports.index, name="reports"),
    path("reports/tickets.<slug:kind>", reports.export, name="export"),
    path("reports/promises/", kept.index, name="kept"),
    path("reports/promises.<slug:kind>", kept.export, name="kept-export"),
    path("views/<slug:name>/", saved.views, name="views"),
    path("views/<int:pk>/begin/", saved.begin_with, name="begin-with"),
    path("views/<int:pk>/discard/", saved.discard, name="discard"),
]
