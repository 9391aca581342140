"""Addresses of the pages."""

from django.urls import path

from portal import views

app_name = "portal"
urlpatterns = [
    path("", views.market, name="market"),
    path("markets/<slug:code>/", views.market, name="market_of"),
    path("markets/<slug:code>/today.json", views.today, name="today"),
    path("login/", views.Login.as_view(), name="login"),
    path("logout/", views.Logout.as_view(), name="logout"),
    path("language/", views.language, name="language"),
    path("healthz", views.health, name="health"),
    path("favicon.ico", views.favicon, name="favicon"),
]
