from django.urls import path

from fleet.automation.views import playbooks, sources

urlpatterns = [
    path("playbooks/", playbooks.index, name="playbooks"),
    path("playbooks/sources/", sources.index, name="sources"),
    path("playbooks/sources/new/", sources.create, name="new-source"),
    path("playbooks/sources/<int:pk>/", sources.detail, name="source"),
    path("playbooks/sources/<int:pk>/fetch/", sources.fetch, name="fetch-source"),
    path("playbooks/sources/<int:pk>/approve/", sources.approve, name="approve-source"),
    path("playbooks/sources/<int:pk>/remove/", sources.remove, name="remove-source"),
    path("playbooks/<slug:slug>/", playbooks.detail, name="playbook"),
]
