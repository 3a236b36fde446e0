from django.urls import path

from helpdesk.portal.views import code, display, home, labels, outages, report, scan

app_name = "portal"
urlpatterns = [
    path("", home.home, name="home"),
    path("my-school/<int:pk>/", home.school, name="school"),
    path("report/", report.report, name="report"),
    path("report/draft/", report.draft, name="draft"),
    path("report/<slug:number>/", report.reported, name="reported"),
    path("report/<slug:number>/me-too/", outages.me_too, name="me-too"),
    path("scan/", code.code, name="code"),
    path("q/<slug:token>/", scan.scan, name="scan"),
    path("q/<slug:token>/sent/", scan.scanned, name="scanned"),
    path("plain-language/", display.plain_language, name="plain-language"),
    path("manifest.webmanifest", display.manifest, name="manifest"),
    path("labels/", labels.labels, name="labels"),
    path("labels/<int:pk>/renew/", labels.renew, name="renew-label"),
]
