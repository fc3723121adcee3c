"""What belongs to one app, and to one request of it."""
