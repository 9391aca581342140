"""Plain Python: what a spreadsheet of members says."""
