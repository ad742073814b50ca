"""The public doors: webhook, JSON API, chat page."""
