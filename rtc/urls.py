from django.urls import path

from rtc import views

app_name = "rtc"
urlpatterns = [
    path("", views.StreamListView.as_view(), name="streams"),
    path("<slug:alias>/", views.ClientView.as_view(), name="client"),
]
