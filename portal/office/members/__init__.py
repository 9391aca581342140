"""The office's pages about members: the list, one by one, by spreadsheet, and what members report."""
