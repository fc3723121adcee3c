"""A package, so that its browser and servers can be closed when a process goes on with other tests."""
