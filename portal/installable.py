"""What lets a browser install the site: the manifest, the service worker, and the page for when there is no connection.

The worker keeps the page about the lost connection and files whose names carry a digest of their contents, and nothing
else: no page with figures comes out of a cache, so nothing on a screen is old without saying so. Its script changes
with every deployment, for it names those files; browsers then take the new one and forget what the old one kept.
"""

import hashlib
import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

# What the page about the lost connection is made of.
KEPT = (
    "portal/favicon.svg",
    "portal/css/tokens.css",
    "portal/css/base.css",
    "portal/js/offline.js",
    "vendor/be-vietnam-pro/be-vietnam-pro.css",
    "vendor/be-vietnam-pro/files/be-vietnam-pro-latin-400-normal.woff2",
    "vendor/be-vietnam-pro/files/be-vietnam-pro-latin-700-normal.woff2",
    "vendor/be-vietnam-pro/files/be-vietnam-pro-vietnamese-400-normal.woff2",
    "vendor/be-vietnam-pro/files/be-vietnam-pro-vietnamese-700-normal.woff2",
)
PARTS = ("portal/js/worker-pages.js", "portal/js/worker-notices.js")
PAPER, BRAND = "#f4f6f8", "#5b35c4"  # --paper and --local of tokens.css
PIXELS = (192, 512)


@require_safe
@never_cache
def service_worker(request: HttpRequest) -> HttpResponse:
    """The script of the worker, the same for everybody: what it keeps, and the files with what it does."""
    kept = [reverse("portal:offline"), *map(static, KEPT)]
    parts = [static(name) for name in PARTS]
    script = (
        f"const VERSION = {json.dumps(_version(kept + parts))};\n"
        f"const KEPT = {json.dumps(kept)};\n"
        f"importScripts({', '.join(map(json.dumps, parts))});\n"
    )
    return HttpResponse(script, content_type="text/javascript; charset=utf-8")


def _version(names: list[str]) -> str:
    """Changes with what the worker keeps: names of files tell their contents, and the page is asked for its own."""
    with override("en"):
        page = render_to_string("portal/offline.html")
    return hashlib.sha256("\n".join([page, *names]).encode()).hexdigest()[:12]


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """What the worker shows where a page cannot be fetched; in both languages, since no server is there to choose."""
    return render(request, "portal/offline.html")


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """The site as an app: name, icons, colours and short cuts, in the language of the reader."""
    answer = HttpResponse(json.dumps(_app(), ensure_ascii=False), content_type="application/manifest+json")
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _app() -> dict[str, object]:
    return {
        "id": "/",
        "name": "Wattbourse",
        "short_name": "Wattbourse",
        "description": _("Buy and sell electricity with your neighbours, on the wires you share."),
        "lang": get_language(),
        "dir": "ltr",
        "start_url": reverse("portal:market"),
        "scope": "/",
        "display": "standalone",
        "background_color": PAPER,
        "theme_color": PAPER,
        "categories": ["utilities", "finance"],
        "icons": _icons(),
        "shortcuts": [
            _shortcut(_("Home"), "portal:homes"),
            _shortcut(_("Market"), "portal:markets"),
            _shortcut(_("My bills"), "portal:bills"),
        ],
    }


def _icons() -> list[dict[str, str]]:
    drawn = {"src": static("portal/favicon.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    return [drawn, *(_icon(pixels, purpose) for purpose in ("any", "maskable") for pixels in PIXELS)]


def _icon(pixels: int, purpose: str) -> dict[str, str]:
    name = f"portal/icons/{'icon' if purpose == 'any' else purpose}-{pixels}.png"
    return {"src": static(name), "sizes": f"{pixels}x{pixels}", "type": "image/png", "purpose": purpose}


def _shortcut(name: str, page: str) -> dict[str, object]:
    return {"name": name, "url": reverse(page), "icons": [_icon(PIXELS[0], "any")]}
