"""What beats, and how often: the schedule is code, so that a review sees it."""

from django.conf import settings

broker_url = settings.CELERY_BROKER_URL
broker_connection_retry_on_startup = True
task_ignore_result = True
task_acks_late = True
worker_prefetch_multiplier = 1
worker_hijack_root_logger = False
timezone = "UTC"
task_time_limit = 600

# Every tick asks the database what is due, so a lost or doubled message changes nothing. A tick that waited longer than
# its period is dropped (`expires`): after an outage one tick catches up, not a thousand.
beat_schedule = {
    "look-for-news": {"task": "settlement.tasks.look_for_news", "schedule": 30.0, "options": {"expires": 30}},
    "clear-deliveries": {"task": "accounts.tasks.clear_deliveries", "schedule": 3_600.0, "options": {"expires": 600}},
    "deliver-notices": {"task": "accounts.tasks.deliver_notices", "schedule": 5.0, "options": {"expires": 10}},
    "tick-markets": {"task": "trading.tasks.tick_markets", "schedule": 2.0, "options": {"expires": 5}},
    "plan-markets": {"task": "planning.tasks.plan_markets", "schedule": 3.0, "options": {"expires": 6}},
    "close-months": {"task": "settlement.tasks.close_months", "schedule": 5.0, "options": {"expires": 10}},
    "load-members": {"task": "members.tasks.load_members", "schedule": 2.0, "options": {"expires": 5}},
    "settle-markets": {"task": "settlement.tasks.settle_markets", "schedule": 3.0, "options": {"expires": 6}},
}
