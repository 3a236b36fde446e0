"""/attachments/<id>/"""

from django.urls import path

from helpdesk.tickets import attachment_views

app_name = "attachments"
urlpatterns = [path("<int:pk>/", attachment_views.download, name="download")]
