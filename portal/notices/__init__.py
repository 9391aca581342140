"""What a person was told, wherever it happened: the inbox, how notices come, and on which devices."""
