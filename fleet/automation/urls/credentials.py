from django.urls import path

from fleet.automation.views import credentials as views

urlpatterns = [
    path("credentials/uses/", views.index, name="credential-uses"),
    path("credentials/uses/<int:pk>/end/", views.end, name="end-use"),
    path("credentials/<int:pk>/rotate/", views.rotate, name="rotate"),
    path("credentials/rotations/<int:pk>/", views.rotation, name="rotation"),
]
