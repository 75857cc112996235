from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.generic import TemplateView

from fastrtc_project.urls import urlpatterns as demo_urlpatterns


def scratch(request: HttpRequest) -> HttpResponse:
    """A page without a policy, made of what it is asked for: where examples are tried out."""
    page = f'<!doctype html><link rel="icon" href="data:,"><body>{request.GET["body"]}</body>'
    return HttpResponse(page, headers={"Content-Security-Policy": "base-uri 'self'"})


urlpatterns = [
    path("shop/", TemplateView.as_view(template_name="shop.html")),
    path("bare/", TemplateView.as_view(template_name="bare.html")),
    path("german/", TemplateView.as_view(template_name="german.html")),
    path("scratch/", scratch),
    *demo_urlpatterns,
]
