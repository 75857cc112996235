from django.urls import path
from django.views.generic import TemplateView

from fastrtc_project.urls import urlpatterns as demo_urlpatterns

urlpatterns = [path("shop/", TemplateView.as_view(template_name="shop.html")), *demo_urlpatterns]
