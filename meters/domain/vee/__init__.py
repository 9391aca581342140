"""Readings that need a person: which values cannot be right (`checks`), and what stands in for them (`estimates`).

VEE, validating, editing and estimating, is the trade's name for it. Everything here is of one metering point and one
length of interval; energies are whole Wh, places count intervals.
"""
