"""Every address of the site, joined from the apps."""

from channels.routing import URLRouter
from django.contrib import admin
from django.urls import URLPattern, include, path

websocket_urlpatterns: list[URLPattern | URLRouter] = []
urlpatterns = [
    path("admin/", admin.site.urls),
]
