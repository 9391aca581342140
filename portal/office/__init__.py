"""The office: what an administrator runs a market's settlement with, and an auditor looks at."""
