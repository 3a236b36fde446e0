from django.urls import path

from fleet.automation.views import proposals
from fleet.automation.views import rollouts as views

urlpatterns = [
    path("changes/new/", views.new, name="new"),
    path("changes/<int:pk>/devices/", views.hosts, name="hosts"),
    path("changes/<int:pk>/pause/", views.pause, name="pause"),
    path("changes/<int:pk>/resume/", views.resume, name="resume"),
    path("changes/<int:pk>/retry-failed/", views.retry_failed, name="retry-failed"),
    path("changes/<int:pk>/roll-back/", views.roll_back, name="roll-back"),
    path("changes/<int:pk>/proposals/<int:proposal>/agree/", proposals.agree, name="agree"),
    path("changes/<int:pk>/relaunch/", views.relaunch, name="relaunch"),
]
