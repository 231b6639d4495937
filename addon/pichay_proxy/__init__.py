"""The mitmproxy shell: hooks, options, live sessions. What is decided is decided in the core."""
