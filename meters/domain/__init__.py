"""What can be decided about meters and devices without a database: files read, storage checked."""
