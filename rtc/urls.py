from django.urls import path

from rtc import input_views, output_views, views

app_name = "rtc"
urlpatterns = [
    path("", views.StreamListView.as_view(), name="streams"),
    path("outputs", output_views.outputs, name="outputs"),
    path("input_hook", input_views.input_hook, name="input_hook"),
    path("<slug:alias>/", views.ClientView.as_view(), name="client"),
]
