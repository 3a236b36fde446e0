from django.urls import path

from fleet.sites.views import calendar as views

app_name = "calendar"
urlpatterns = [
    path("<int:pk>/calendar/", views.sheet, name="sheet"),
    path("<int:pk>/calendar/upload/", views.upload, name="upload"),
    path("<int:pk>/calendar/uploads/<int:import_id>/", views.preview, name="preview"),
    path("<int:pk>/calendar/uploads/<int:import_id>/undo/", views.undo, name="undo"),
    path("<int:pk>/calendar/closures/", views.closure, name="closure"),
    path("<int:pk>/calendar/closures/<int:closure_id>/remove/", views.remove_closure, name="remove-closure"),
    path("<int:pk>/calendar/exams/", views.exam, name="exam"),
    path("<int:pk>/calendar/exams/<int:exam_id>/remove/", views.remove_exam, name="remove-exam"),
    path("<int:pk>/calendar/bells/", views.bells, name="bells"),
    path("<int:pk>/calendar/habits/", views.habits, name="habits"),
]
