"""What a new member gets where nobody says otherwise.

Credit bounds what may be open in orders, trades and unpaid bills at a time: about three months of what such a member
takes from its neighbours.
"""

CREDIT_DONG = {
    "household": 5_000_000,
    "dorm": 60_000_000,
    "faculty": 120_000_000,
    "tenant": 400_000_000,
    "storage": 200_000_000,
    "station": 30_000_000,
}
ZONE = "site"
ROLE = "boundary"
MULTIPLIER, DIGITS = 1, 6
MOST_MULTIPLIER, MOST_DIGITS = 100_000, 9
