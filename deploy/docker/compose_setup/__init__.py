"""What docker-compose.yml prepares once: in production the bucket and the helpdesk are there already."""
