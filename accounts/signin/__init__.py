"""How people sign in, and the pages on which they look after their own login and invite others.

A password is checked by Django, second steps and passkeys by django-allauth; the pages, limits and rules are here.
Every page works without scripts, except that a passkey needs one (`static/accounts/passkey.js`).
"""
