"""A member's home: what happens now, what the day and the month brought, the one switch, and the market's wall."""
