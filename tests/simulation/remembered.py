"""Days that once broke a promise, cut down to the steps that are enough; each is what `--seed` printed when it failed.

A seed means another day as soon as the schedules change; these stay what they are.
"""

from tests.simulation.schedule import Schedule, read_schedule

_DAYS = {
    "an answer whose first entry was refused": """
""",
}
REMEMBERED: dict[str, Schedule] = {name: read_schedule(day) for name, day in _DAYS.items()}
