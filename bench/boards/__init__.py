"""Drawn pictures of notice boards with everything known about them, to measure what the phone makes of board photos."""
