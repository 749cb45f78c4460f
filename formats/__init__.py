"""What lies on disk between the rooms, and how every command takes options, works in parallel and speaks."""
