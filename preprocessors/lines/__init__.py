"""Straight lines: M-LSD, LSD, and drawing them as a hint."""
