"""What the office watches: long jobs with their progress, and the health of everything that must run."""
