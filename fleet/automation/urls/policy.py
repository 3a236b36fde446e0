from django.urls import path

from fleet.automation.views import approvals, leave, policy

urlpatterns = [
    path("approvals/", approvals.approvals, name="approvals"),
    path("approvals/by-mail/<str:token>/", approvals.by_mail, name="approval-link"),
    path("policy/", policy.index, name="policy"),
    path("policy/rules/", policy.agree_rule, name="agree-rule"),
    path("policy/freezes/new/", policy.new_freeze, name="new-freeze"),
    path("policy/freezes/<int:pk>/end/", policy.end_freeze, name="end-freeze"),
    path("policy/windows/new/", policy.new_window, name="new-window"),
    path("policy/windows/<int:pk>/end/", policy.end_window, name="end-window"),
    path("leave/", leave.index, name="leave"),
    path("leave/<int:pk>/end/", leave.end, name="end-leave"),
    path("changes/<int:pk>/override/", policy.ask_override, name="ask-override"),
    path("changes/<int:pk>/override/agree/", policy.agree_override, name="agree-override"),
]
