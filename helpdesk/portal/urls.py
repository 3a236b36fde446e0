from django.urls import path

from helpdesk.portal.views import home, report

app_name = "portal"
urlpatterns = [
    path("", home.home, name="home"),
    path("my-school/<int:pk>/", home.school, name="school"),
    path("report/", report.report, name="report"),
    path("report/<slug:number>/", report.reported, name="reported"),
]
