"""How the parts are joined: settings, URLs, ASGI, Celery, the embedded servers."""
