"""Whose request it is: origin, CSRF tokens, nonces of a content security policy."""
