"""The open streams of one process, their topics and their tabs. Knows neither Flask nor Werkzeug."""
