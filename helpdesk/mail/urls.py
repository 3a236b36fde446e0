from django.urls import path

from helpdesk.mail import views

app_name = "mail"
urlpatterns = [
    path("", views.index, name="mails"),
    path("<int:pk>/again/", views.again, name="again"),
    path("<int:pk>/drop/", views.drop, name="drop"),
    path("mailboxes/", views.mailboxes, name="mailboxes"),
    path("mailboxes/new/", views.create, name="new-mailbox"),
    path("mailboxes/<int:pk>/", views.edit, name="mailbox"),
    path("mailboxes/<int:pk>/test/", views.test, name="test-mailbox"),
]
