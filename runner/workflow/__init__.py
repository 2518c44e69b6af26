"""Workflow files: read, changed, built, and what they need."""
