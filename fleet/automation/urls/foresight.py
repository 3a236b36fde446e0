from django.urls import path

from fleet.automation.views import audit, boxes, outlook, remedies, schedules

urlpatterns = [
    path("devices/<int:pk>/what-if/", outlook.of_device, name="what-if"),
    path("devices/<int:pk>/audit/", audit.of_device, name="audit"),
    path("devices/<int:pk>/audit.csv", audit.as_csv, name="audit-csv"),
    path("changes/<int:pk>/what-if/", outlook.of_change, name="change-what-if"),
    path("changes/<int:pk>/extend/", boxes.extend, name="extend"),
    path("changes/<int:pk>/end-now/", boxes.end_now, name="end-now"),
    path("remedies/", remedies.index, name="remedies"),
    path("remedies/<int:pk>/sign/", remedies.sign, name="remedy-sign"),
    path("schedules/", schedules.index, name="schedules"),
    path("schedules/new/", schedules.new, name="schedule-new"),
    path("schedules/<int:pk>/act/", schedules.act, name="schedule-act"),
]
