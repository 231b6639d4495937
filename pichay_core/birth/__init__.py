"""What is sent smaller from the first request on, and so never breaks the provider's cache."""
