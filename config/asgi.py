"""ASGI entry: pages and API over HTTP, live data over WebSocket."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402  (the app registry must be ready before these)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402  (likewise)
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402  (likewise)

from config.collector import settle_down  # noqa: E402  (likewise)
from config.urls import websocket_urlpatterns  # noqa: E402  (likewise)

application = ProtocolTypeRouter(
    {
        "http": _http,
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)

settle_down()
