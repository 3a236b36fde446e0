from django.urls import path

from helpdesk.catalogue import views, vouchers

app_name = "catalogue"
urlpatterns = [
    path("", views.index, name="offers"),
    path("voucher/<int:change_id>/", vouchers.sheet, name="voucher"),
    path("agreements/", views.agreements, name="agreements"),
    path("<slug:slug>/", views.order, name="order"),
    path("agreement/<slug:number>/", views.agreement, name="agreement"),
]
