"""What other systems speak: signatures, HTTP calls, receivers of cases, replies to chats, and the courier of both."""
