from django.conf import settings
from django.urls import URLPattern, path

from fleet.web import views

app_name = "web"
urlpatterns: list[URLPattern] = [
    path("panels/<slug:slot>/<slug:name>/<int:pk>/", views.panel, name="panel"),
]
if settings.MODE != "production":
    urlpatterns += [
        path("design/", views.design, name="design"),
        path("design/log/", views.design_log, name="design-log"),
    ]
