from django.urls import path

from fleet.devices.views import credentials, devices, networks

app_name = "inventory"
urlpatterns = [
    path("credentials/", credentials.index, name="credentials"),
    path("credentials/new/<slug:kind>/", credentials.create, name="new-credential"),
    path("credentials/<int:pk>/", credentials.detail, name="credential"),
    path("credentials/<int:pk>/delete/", credentials.delete, name="delete-credential"),
    path("devices/new/", devices.create, name="new-device"),
    path("devices/<int:pk>/edit/", devices.edit, name="edit-device"),
    path("devices/<int:pk>/access/", devices.access, name="access"),
    path("devices/<int:pk>/retire/", devices.retire, name="retire-device"),
    path("sites/<int:pk>/network/", networks.index, name="network"),
    path("networks/<int:pk>/delete/", networks.delete, name="delete-prefix"),
    path("sites/<int:pk>/network/credentials/", networks.credentials, name="site-credentials"),
]
