"""Random schedules: views to export, and what a helpdesk's own writers do meanwhile."""
