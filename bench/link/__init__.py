"""The evening's sync over a bad link, measured beside what others do on the same link; `python -m bench.link`."""
