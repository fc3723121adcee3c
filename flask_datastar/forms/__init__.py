"""Validation messages, and forms of WTForms."""
