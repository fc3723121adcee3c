"""Protection of requests and pages: origins, CSRF tokens, nonces of a content security policy."""
