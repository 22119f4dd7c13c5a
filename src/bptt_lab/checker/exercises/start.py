"""Exercises of unit 00-start: how the checks work."""
