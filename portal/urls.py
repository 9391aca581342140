"""Addresses of the pages."""

from django.urls import path

from accounts.signin import pages
from portal import installable, styleguide, views
from portal.bills import compare
from portal.bills import details as own_details
from portal.bills import pages as bills
from portal.home import pages as home
from portal.home import wall
from portal.notices import manner
from portal.notices import pages as notices
from portal.market import pages as desk_figures
from portal.office import closes, control, details, disputes, documents, money, overview, readings, rulebook
from portal.trade import blotter, bulk, orders

app_name = "portal"
OFFICE = "office/<slug:code>/"
HOME = "home/<slug:code>/<slug:who>/"
SEAT = "bills/<slug:code>/<slug:who>/"
urlpatterns = [
    path("", views.front, name="market"),
    path("markets/", views.market_door, name="markets"),
    path("markets/<slug:code>/", views.market, name="market_of"),
    path("markets/<slug:code>/energy/", desk_figures.card, name="market_energy"),
    path("markets/<slug:code>/references.json", desk_figures.compared, name="market_references"),
    path("markets/<slug:code>/today.json", views.today, name="today"),
    path("markets/<slug:code>/mine.json", orders.mine, name="mine"),
    path("markets/<slug:code>/ticket/", orders.ticket, name="ticket"),
    path("markets/<slug:code>/orders/", orders.place_order, name="place"),
    path("markets/<slug:code>/orders/cancel-all/", orders.cancel_all, name="cancel_all"),
    path("markets/<slug:code>/orders/<int:seq>/amend/", orders.amend, name="amend"),
    path("markets/<slug:code>/orders/<int:seq>/cancel/", orders.cancel, name="cancel"),
    path("markets/<slug:code>/bulk/", bulk.bulk, name="bulk"),
    path("markets/<slug:code>/bulk/check/", bulk.check_or_send, name="bulk_check"),
    path("markets/<slug:code>/blotter/", blotter.blotter, name="blotter"),
    path("markets/<slug:code>/blotter/<slug:table>.csv", blotter.blotter_file, name="blotter_file"),
    path("login/", pages.login, name="login"),
    path("logout/", views.Logout.as_view(), name="logout"),
    path("language/", views.language, name="language"),
    path("healthz", views.health, name="health"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("manifest.webmanifest", installable.manifest, name="manifest"),
    path("service-worker.js", installable.service_worker, name="service_worker"),
    path("offline/", installable.offline, name="offline"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("wall/<slug:code>/", wall.wall, name="wall"),
    path("notices/", notices.inbox, name="notices"),
    path("notices/read/", notices.read, name="notices_read"),
    path("notices/count.json", notices.count, name="notices_count"),
    path("notices/settings/", manner.manner, name="notices_settings"),
    path("notices/devices/", manner.device, name="notices_device"),
    path("notices/devices/<int:pk>/remove/", manner.device_remove, name="notices_device_remove"),
    path("notices/<int:pk>/", notices.notice, name="notice"),
    path("home/", home.door, name="homes"),
    path(HOME, home.home, name="home"),
    path(f"{HOME}switch/", home.switch_on_or_off, name="home_switch"),
    path(f"{HOME}limits/", home.limits, name="home_limits"),
    path(f"{HOME}reserve/", home.reserve, name="home_reserve"),
    path("office/", overview.door, name="office"),
    path(OFFICE, overview.overview, name="office_overview"),
    path(f"{OFFICE}closes/", closes.closes, name="office_closes"),
    path(f"{OFFICE}closes/<int:pk>/", closes.close, name="office_close"),
    path(f"{OFFICE}closes/<int:pk>/progress/", closes.close_progress, name="office_close_progress"),
    path(f"{OFFICE}closes/<int:pk>/approve/", closes.approve, name="office_close_approve"),
    path(f"{OFFICE}closes/<int:pk>/discard/", closes.discard, name="office_close_discard"),
    path(f"{OFFICE}documents/", documents.documents, name="office_documents"),
    path(f"{OFFICE}documents/all.<slug:form>", documents.download, name="office_download"),
    path(f"{OFFICE}documents/<int:pk>/", documents.document, name="office_document"),
    path(f"{OFFICE}documents/<int:pk>/why/<int:position>/", documents.why, name="office_why"),
    path(f"{OFFICE}documents/<int:pk>/file.<slug:form>", documents.document_file, name="office_file"),
    path(f"{OFFICE}money/", money.money, name="office_money"),
    path(f"{OFFICE}money/bank/", money.bank, name="office_bank"),
    path(f"{OFFICE}money/bank/<int:pk>/", money.match, name="office_match"),
    path(f"{OFFICE}money/payments/", money.payments, name="office_payments"),
    path(f"{OFFICE}money/payments/<int:pk>/undo/", money.undo, name="office_undo"),
    path(f"{OFFICE}money/payouts/", money.payout, name="office_payouts"),
    path(f"{OFFICE}money/payouts.csv", money.payout_csv, name="office_payout_file"),
    path(f"{OFFICE}money/reminders/", money.reminders, name="office_reminders"),
    path(f"{OFFICE}rulebook/", rulebook.rulebook, name="office_rulebook"),
    path(f"{OFFICE}rulebook/tariffs/<slug:tariff_code>/", rulebook.tariff, name="office_tariff"),
    path(f"{OFFICE}rulebook/changes/", rulebook.proposals, name="office_proposals"),
    path(f"{OFFICE}rulebook/changes/<int:pk>/", rulebook.proposal, name="office_proposal"),
    path(f"{OFFICE}disputes/", disputes.disputes, name="office_disputes"),
    path(f"{OFFICE}disputes/<int:pk>/", disputes.dispute, name="office_dispute"),
    path(f"{OFFICE}details/", details.details, name="office_details"),
    path(f"{OFFICE}details/all.csv", details.details_file, name="office_details_file"),
    path(f"{OFFICE}details/load/", details.details_import, name="office_details_import"),
    path(f"{OFFICE}details/members/<slug:who>/", details.details_of, name="office_details_of"),
    path(f"{OFFICE}readings/", readings.readings, name="office_readings"),
    path(f"{OFFICE}readings/<slug:key>/", readings.reading, name="office_reading"),
    path(f"{OFFICE}readings/decisions/<int:pk>/", readings.proposal, name="office_reading_proposal"),
    path(f"{OFFICE}control/", control.control, name="office_control"),
    path(f"{OFFICE}audit/", control.audit, name="office_audit"),
    path("bills/", bills.door, name="bills"),
    path(SEAT, bills.documents, name="bills_documents"),
    path(f"{SEAT}documents/<int:pk>/", bills.document, name="bills_document"),
    path(f"{SEAT}documents/<int:pk>/why/<int:position>/", bills.why, name="bills_why"),
    path(f"{SEAT}documents/<int:pk>/file.<slug:form>", bills.document_file, name="bills_file"),
    path(f"{SEAT}intervals/", bills.intervals, name="bills_intervals"),
    path(f"{SEAT}disputes/", bills.disputes, name="bills_disputes"),
    path(f"{SEAT}disputes/<int:pk>/withdraw/", bills.withdraw, name="bills_withdraw"),
    path(f"{SEAT}energy/", desk_figures.energy, name="bills_energy"),
    path(f"{SEAT}compare/", compare.compare, name="bills_compare"),
    path(f"{SEAT}details/", own_details.details, name="bills_details"),
    path(f"{SEAT}green/", bills.green, name="bills_green"),
    path(f"{SEAT}green/pack.zip", bills.evidence, name="bills_pack"),
]
