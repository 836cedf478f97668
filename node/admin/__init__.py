"""What admins reach by API: JSON, problems, a bearer token."""
