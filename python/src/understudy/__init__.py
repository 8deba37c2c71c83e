"""Publish models to Understudy."""
