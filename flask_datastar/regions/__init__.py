"""Live regions: parts of a page that stay as they are on the server."""
