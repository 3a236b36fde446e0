from django.urls import path

from fleet.sites.views import closing, rooms, schools, tables

app_name = "places"
urlpatterns = [
    path("", schools.index, name="list"),
    path("new/", schools.create, name="new"),
    path("tables/", tables.upload, name="table-new"),
    path("tables/<int:pk>/", tables.preview, name="table"),
    path("<int:pk>/", schools.detail, name="school"),
    path("<int:pk>/edit/", schools.edit, name="edit"),
    path("<int:pk>/close/", closing.close, name="close"),
    path("<int:pk>/reopen/", closing.reopen, name="reopen"),
    path("<int:pk>/buildings/", rooms.create_building, name="building-new"),
    path("buildings/<int:pk>/", rooms.building, name="building"),
    path("buildings/<int:pk>/remove/", rooms.remove_building, name="building-remove"),
    path("buildings/<int:pk>/rooms/", rooms.create_room, name="room-new"),
    path("buildings/<int:pk>/rooms/several/", rooms.create_rooms, name="rooms-new"),
    path("rooms/<int:pk>/", rooms.room, name="room"),
    path("rooms/<int:pk>/remove/", rooms.remove_room, name="room-remove"),
]
