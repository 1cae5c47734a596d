"""Simulated CEM studies whose iodine is known."""
