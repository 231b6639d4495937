"""Wire formats: where things stand in a request, and how to change only those places."""
