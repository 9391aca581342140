"""The API where the site mounts it, without the pages."""

from django.urls import include, path

urlpatterns = [path("api/v1/", include("config.api_urls"))]
