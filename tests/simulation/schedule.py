"""What happens in one simulated day, decided by a seed before it begins: a list of steps, each with luck of its own.

Steps can be left out without changing what the others do, which is how a failing day is made short.
"""

import random
from typing import NamedTuple

from tests.simulation import signing

TAPS = {
    "answer": 10, "remark": 4, "room": 4, "heads": 6, "rename": 2, "remove room": 1, "photo": 4, "caption": 2,
    "remove photo": 1, "close": 2, "reopen": 3, "undo": 1, "foul": 1, "unknown": 1, "visit": 3,
}  # fmt: skip
TROUBLES = {
    "crash": 2, "crash soon": 3, "full": 2, "clock": 2, "clone": 2, "back up": 3, "restore": 3, "central crash": 3,
    "central crash soon": 3, "central back up": 2, "central restore": 2, "revoke": 1, "lose": 2, "central full": 1, "office": 2,
}  # fmt: skip
CASTS = (("cuc", "dung", "hoa"), ("cuc", "dung", "giang"), ("cuc", "cuc-2", "dung"))
"""Whose phones: two of one team and one of another; three of one team; two of one person and one of a colleague."""


COPY = "'"
"""What stands after the name of a phone's copy."""


class Step(NamedTuple):
    kind: str
    who: str
    what: str
    number: float
    salt: str

    def __str__(self) -> str:
        words = [self.kind, self.who, self.what, f"{self.number:g}" if self.number else ""]
        return " ".join(word for word in words if word)


class Schedule(NamedTuple):
    seed: int
    cast: tuple[str, ...]
    rate: float
    """Share of requests that something happens to."""
    page_bytes: int
    batch: int
    steps: tuple[Step, ...]


def schedule(seed: int) -> Schedule:
    """The day of a seed. A day has only some of the troubles, so that they meet in many combinations and not all in each."""
    rng = random.Random(f"day {seed}")
    cast = rng.choice(CASTS)
    rate = rng.choice([0.0, 0.2, 0.4, 0.6])
    troubles = {kind: weight for kind, weight in TROUBLES.items() if rng.random() < 0.35}
    if "restore" in troubles:
        troubles["back up"] = 2
    if "central restore" in troubles:
        troubles["central back up"] = 2
        # What Home Affairs wrote since the backup is gone with central: it takes its own words back from nobody, and a phone
        # that has them keeps them.
        troubles.pop("office", None)
    taps = TAPS | signing.TAPS if rng.random() < 0.4 else TAPS
    is_long = rng.random() < 0.2  # months pass: phones drop what is old, uploads expire
    phones, steps = list(cast), []
    for number in range(rng.choice([12, 20, 32, 48])):
        dice = rng.random()
        who, what, size = rng.choice(phones), "", 0.0
        if dice < 0.42 or (dice > 0.85 and not troubles):
            kind, what = "tap", rng.choices(list(taps), list(taps.values()))[0]
        elif dice < 0.72:
            kind = "sync"
        elif dice < 0.85:
            kind, who, size = (
                "wait",
                "",
                rng.choice([0.1, 0.7, 2.0, 10.0, 10.0, 400.0, 3_000_000.0 if is_long else 60.0]),
            )
        else:
            kind = rng.choices(list(troubles), list(troubles.values()))[0]
            if kind.endswith("soon"):
                size = rng.choice([0, 1, 2, 3, 5, 8, 13])
            elif kind == "clock":
                size = rng.choice([-10, -1, 1, 10, 0.00002, -0.0001])
            elif kind == "clone":
                phones.append(f"{who.rstrip(COPY)}{COPY}")
            if kind.startswith("central") or kind == "office":
                who = ""
        steps.append(Step(kind, who, what, size, f"{seed}/{number}"))
    return Schedule(seed, cast, rate, rng.choice([600, 2000, 128 * 1024]), rng.choice([1, 3, 500]), tuple(steps))


def written(day: Schedule) -> str:
    """A schedule as text that `read_schedule` reads."""
    head = f"{day.seed} {','.join(day.cast)} {day.rate} {day.page_bytes} {day.batch}"
    return "\n".join([head, *("|".join((s.salt, s.kind, s.who, s.what, repr(s.number))) for s in day.steps)])


def read_schedule(text: str) -> Schedule:
    """The schedule that `written` wrote; lines may be indented."""
    head, *lines = (line.strip() for line in text.strip().splitlines())
    seed, cast, rate, page, batch = head.split(" ")
    steps = []
    for line in lines:
        salt, kind, who, what, number = line.split("|")
        steps.append(Step(kind, who, what, float(number), salt))
    return Schedule(int(seed), tuple(cast.split(",")), float(rate), int(page), int(batch), tuple(steps))
