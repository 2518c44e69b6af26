"""Steer's node families. Each folder is one family; its nodes.py ends in a NODES list."""
