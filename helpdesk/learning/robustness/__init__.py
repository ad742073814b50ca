"""How a bundle does on messages that are typed differently, or by different people."""
