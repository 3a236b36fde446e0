from django.urls import path

from fleet.monitoring.views import maintenance

app_name = "maintenance"
urlpatterns = [
    path("", maintenance.index, name="list"),
    path("new/", maintenance.new, name="new"),
    path("<int:pk>/", maintenance.detail, name="detail"),
    path("<int:pk>/end/", maintenance.end, name="end"),
    path("<int:pk>/stop/", maintenance.stop, name="stop"),
    path("<int:pk>/take-back/", maintenance.take_back, name="take-back"),
]
