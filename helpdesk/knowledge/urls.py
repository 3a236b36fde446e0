from django.urls import path

from helpdesk.knowledge import views

app_name = "knowledge"
urlpatterns = [
    path("", views.index, name="articles"),
    path("new/", views.new, name="new"),
    path("suggestions/", views.suggestions, name="suggestions"),
    path("from/<slug:number>/", views.from_ticket, name="from-ticket"),
    path("<int:pk>/", views.detail, name="article"),
    path("<int:pk>/edit/", views.edit, name="edit"),
    path("<int:pk>/publish/", views.publish, name="publish"),
    path("<int:pk>/helped/", views.helped, name="helped"),
]
