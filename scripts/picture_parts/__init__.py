"""The live screen as a picture."""
