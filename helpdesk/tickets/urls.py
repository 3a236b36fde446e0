from django.urls import path

from helpdesk.tickets import attachment_views, views
from helpdesk.tickets.views import arranging

app_name = "tickets"
urlpatterns = [
    path("", views.index, name="tickets"),
    path("on-site/", views.on_site, name="on-site"),
    path("bulk/", views.order, name="bulk"),
    path("bulk/<int:job>/", views.job, name="bulk-job"),
    path("bulk/<int:job>/progress/", views.progress, name="bulk-progress"),
    path("bulk/<int:job>/stop/", views.stop, name="bulk-stop"),
    path("arrangements/", arranging.index, name="arrangements"),
    path("arrangements/<slug:kind>/new/", arranging.new, name="arrange-new"),
    path("arrangements/<slug:kind>/<int:arrangement>/", arranging.edit, name="arrange"),
    path("rate/<str:token>/", views.rate, name="rate"),
    path("<slug:number>/", views.detail, name="ticket"),
    path("<slug:number>/story/", views.story, name="story"),
    path("<slug:number>/formatted/<int:pk>/", attachment_views.formatted_text, name="formatted"),
    path("<slug:number>/reply/", views.reply, name="reply"),
    path("<slug:number>/take/", views.take, name="take"),
    path("<slug:number>/edit/", views.edit, name="edit"),
    path("<slug:number>/state/", views.change_state, name="state"),
    path("<slug:number>/relate/", views.relate, name="relate"),
    path("<slug:number>/detach/", views.detach, name="detach"),
    path("<slug:number>/unlink/", views.unlink, name="unlink"),
    path("<slug:number>/split/", views.split, name="split"),
    path("<slug:number>/cases/", views.resolve_cases, name="cases"),
    path("<slug:number>/tag/", views.tag, name="tag"),
    path("<slug:number>/watch/", views.watch, name="watch"),
    path("<slug:number>/present/", views.present, name="present"),
    path("<slug:number>/rate/", views.rate_here, name="rate-here"),
    path("<slug:number>/follow-up/", views.follow_up, name="follow-up"),
]
