"""When a figure of the health page is a warning or a failure. All of them, and nowhere else.

Seconds are of the wall clock, except where a name says market: those count on the market's own clock.
"""

from settlement.operations.looks import SILENT_HOURS

TICK_WARN_S, TICK_FAIL_S = 30, 120  # since a scheduled task was last done, beyond two of its periods
QUEUE_WARN, QUEUE_FAIL = 50, 1_000  # messages
OLDEST_WARN_S, OLDEST_FAIL_S = 30, 300
FAILED_RECENTLY_S = 3_600
DATABASE_WARN_S, DATABASE_FAIL_S = 0.2, 2.0  # for a question that needs no table
CONNECTIONS_WARN_PCT, CONNECTIONS_FAIL_PCT = 75, 95
DISK_WARN_PCT, DISK_FAIL_PCT = 15, 5  # free
SILENT_MARKET_HOURS = SILENT_HOURS  # the members are told by the same
SILENT_FAIL_PCT = 50  # of the metering points
LAG_WARN_MARKET_MINUTES, LAG_FAIL_MARKET_MINUTES = 60, 24 * 60  # after delivery and grace period
MAIL_WARN = 100  # letters in the folder that nobody sends
BACKUP_WARN_HOURS, BACKUP_FAIL_HOURS = 26, 72
