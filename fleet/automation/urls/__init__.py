from fleet.automation.urls import changes, credentials, foresight, intent, playbooks, policy, rollouts

app_name = "automation"
urlpatterns = [
    *changes.urlpatterns,
    *credentials.urlpatterns,
    *foresight.urlpatterns,
    *intent.urlpatterns,
    *playbooks.urlpatterns,
    *policy.urlpatterns,
    *rollouts.urlpatterns,
]
