"""The API, version 1: the calls of every app, the document that describes them, and a JSON answer for all else."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from accounts.api.openapi import schema
from accounts.api.tokens import OneToken, Tokens
from accounts.api.views import not_found

urlpatterns: list[URLPattern | URLResolver] = [
    path("schema", schema),
    path("tokens", Tokens.as_view()),
    path("tokens/<slug:key>", OneToken.as_view()),
    path("", include("trading.api")),
    path("", include("meters.api")),
    re_path(r"", not_found),
]
