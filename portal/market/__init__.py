"""The information side of a tenant's desk: cost against the tariff, power against its limit, how green it was."""
