from django.urls import path

from helpdesk.tickets import views

app_name = "tickets"
urlpatterns = [
    path("", views.index, name="tickets"),
    path("<slug:number>/", views.detail, name="ticket"),
    path("<slug:number>/story/", views.story, name="story"),
    path("<slug:number>/reply/", views.reply, name="reply"),
    path("<slug:number>/take/", views.take, name="take"),
    path("<slug:number>/edit/", views.edit, name="edit"),
    path("<slug:number>/state/", views.change_state, name="state"),
]
