from django.urls import path

from fleet.automation.views import changes as views

urlpatterns = [
    path("changes/", views.index, name="changes"),
    path("changes/<int:pk>/", views.detail, name="change"),
    path("changes/<int:pk>/progress/", views.progress, name="progress"),
    path("changes/<int:pk>/log/", views.log, name="log"),
    path("changes/<int:pk>/decide/", views.decide, name="decide"),
    path("changes/<int:pk>/cancel/", views.cancel, name="cancel"),
    path("changes/<int:pk>/check-and-retry/", views.check_and_retry, name="check-and-retry"),
]
