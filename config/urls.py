"""Every address of the site, joined from the apps."""

from channels.routing import URLRouter
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from accounts.signin.pages import to_login
from trading.consumers import MarketConsumer

websocket_urlpatterns: list[URLPattern | URLRouter] = [
    path("ws/markets/<slug:code>/", MarketConsumer.as_asgi()),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/login/", to_login),  # one door, with the second step and its limits
    path("admin/", admin.site.urls),
    path("api/v1/", include("config.api_urls")),
    path("", include("accounts.urls")),
    path("", include("portal.urls")),
]

handler400 = "portal.views.bad_request"
handler403 = "portal.views.forbidden"
handler404 = "portal.views.not_found"
handler500 = "portal.views.server_error"
