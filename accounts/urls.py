"""Addresses of the pages about logins and members."""

from django.urls import path

from accounts.signin import account, forgotten, pages, people

app_name = "accounts"
urlpatterns = [
    path("login/second-step/", pages.second_step, name="second_step"),
    path("login/passkey/begin/", pages.passkey_begin, name="passkey_begin"),
    path("login/passkey/finish/", pages.passkey_finish, name="passkey_finish"),
    path("login/forgotten/", forgotten.forgotten, name="forgotten"),
    path("login/forgotten/<str:secret>/", forgotten.reset, name="reset"),
    path("account/", account.account, name="account"),
    path("account/confirm/", pages.confirm, name="confirm"),
    path("account/password/", account.password, name="password"),
    path("account/app/", account.totp, name="totp"),
    path("account/app/remove/", account.totp_remove, name="totp_remove"),
    path("account/codes/", account.codes, name="codes"),
    path("account/passkeys/begin/", account.passkey_add_begin, name="passkey_add_begin"),
    path("account/passkeys/finish/", account.passkey_add_finish, name="passkey_add_finish"),
    path("account/passkeys/<int:pk>/remove/", account.passkey_remove, name="passkey_remove"),
    path("account/devices/<int:pk>/sign-out/", account.sign_out_one, name="sign_out_one"),
    path("account/devices/sign-out-others/", account.sign_out_others, name="sign_out_others"),
    path("account/email/", account.email, name="email"),
    path("account/email/<str:secret>/", account.email_confirm, name="email_confirm"),
    path("account/data/", account.export, name="export"),
    path("account/erase/", account.erase, name="erase"),
    path("members/", people.members, name="members"),
    path("members/invite/", people.invite, name="invite_to_house"),
    path("members/<slug:code>/", people.members_of, name="members_of"),
    path("members/<slug:code>/invite/", people.invite, name="invite"),
    path("invitations/<int:pk>/withdraw/", people.withdraw, name="withdraw"),
    path("seats/<int:pk>/role/", people.role, name="role"),
    path("seats/<int:pk>/remove/", people.remove, name="remove"),
    path("invited/<str:secret>/", people.invited, name="invited"),
    path("invited/<str:secret>/passkey/begin/", people.invited_begin, name="invited_begin"),
    path("invited/<str:secret>/passkey/finish/", people.invited_finish, name="invited_finish"),
]
