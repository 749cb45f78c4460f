"""The demo's drawn cars."""
