"""What accounts and the API that all apps share may refuse, listed for the catalogue; accounts/words.py tells it."""

from django.utils.translation import gettext_noop as N_  # noqa: N812 - the name that the catalogue is made by

SENTENCES = (
    N_("There is no such thing here."),
    N_("You may not do that."),
    N_("The body is larger than this call takes."),
    N_("The request is malformed."),
    N_("Something went wrong here; it has been noted."),
    N_("Not known whether it was executed. Ask again; send orders again with the same client order id."),
    N_("Too many messages; wait {seconds} s. {per_second} a second are taken, {at_once} at once."),
    N_("There is no such address in this API."),
    N_("Send the body as application/json."),
    N_("The body has more than {bytes} bytes."),
    N_("The body is not JSON in UTF-8."),
    N_("Give a year from {first} to {last}."),
    N_("This token is unknown, revoked or past its time; make a new one."),
    N_("User name or password is wrong."),
    N_("Send a token in the header 'Authorization: Token …', or sign in."),
)
