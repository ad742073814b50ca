"""A helpdesk chatbot backend that knows when it does not know, and gets better every night."""
