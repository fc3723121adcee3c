"""The timeline of debug mode: what went between the tabs of one browser and the app."""
