from django.urls import path

from fleet.people import directory_views as views

app_name = "directory"
urlpatterns = [
    path("", views.index, name="list"),
    path("places/", views.places, name="places"),
    path("new/", views.add, name="add"),
    path("<int:pk>/", views.person, name="person"),
    path("<int:pk>/edit/", views.edit, name="edit"),
    path("<int:pk>/roles/", views.give, name="give"),
    path("<int:pk>/roles/<int:grant>/take/", views.take, name="take"),
    path("<int:pk>/invite/", views.invite, name="invite"),
    path("<int:pk>/leave/", views.leave, name="leave"),
    path("<int:pk>/return/", views.come_back, name="return"),
]
