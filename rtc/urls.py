from django.urls import path

from rtc import health_views, input_views, metrics, output_views, views
from rtc.endpoints import endpoint

app_name = "rtc"
urlpatterns = [
    path("", views.StreamListView.as_view(), name="streams"),
    path("outputs", endpoint(output_views.outputs), name="outputs"),
    path("input_hook", endpoint(input_views.input_hook), name="input_hook"),
    path("healthz", endpoint(health_views.healthz), name="healthz"),
    path("readyz", endpoint(health_views.readyz), name="readyz"),
    path("metrics", endpoint(metrics.metrics), name="metrics"),
    path("<slug:alias>/", views.ClientView.as_view(), name="client"),
    path("<slug:alias>/docs", views.DocsView.as_view(), name="docs"),
]
