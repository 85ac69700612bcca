"""Rows about orders."""
