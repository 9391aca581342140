"""A participant's pages: documents, balance, intervals, disputes, certificates and carbon."""
