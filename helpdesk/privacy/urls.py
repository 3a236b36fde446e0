from django.urls import path

from helpdesk.privacy.views import erasing, mine, overview

app_name = "privacy"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("today/", overview.dry_run, name="dry-run"),
    path("log/", overview.log, name="log"),
    path("<int:authority>/switch/", overview.switch, name="switch"),
    path("<int:authority>/periods/<slug:kind>/", overview.period, name="period"),
    path("me/", mine.mine, name="mine"),
    path("exports/<uuid:uid>/json/", mine.data, name="export-data"),
    path("exports/<uuid:uid>/pdf/", mine.document, name="export-document"),
    path("people/", erasing.people, name="people"),
    path("people/<int:pk>/", erasing.person, name="person"),
    path("people/<int:pk>/erase/", erasing.erase, name="erase"),
    path("erasures/<int:pk>/", erasing.erasure, name="erasure"),
    path("erasures/<int:pk>/act/", erasing.act, name="erasure-act"),
]
