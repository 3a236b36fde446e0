from django.urls import path

from helpdesk.catalogue import views

app_name = "catalogue"
urlpatterns = [
    path("", views.index, name="offers"),
    path("<slug:slug>/", views.order, name="order"),
]
