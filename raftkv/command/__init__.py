"""What a log entry means."""
