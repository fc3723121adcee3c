"""The open streams of one process, their topics and their tabs, without Flask and Werkzeug."""
