"""Days that once broke a promise, cut down to the steps that are enough; each is what `--seed` printed when it failed.

A seed means another day as soon as the schedules change; these stay what they are.
"""

from tests.simulation.schedule import Schedule, read_schedule

_DAYS = {
    "an answer was in no visit when its first entry was refused": """
        0 cuc,dung,hoa 0.0 131072 500
        0/0|tap|cuc|foul|0.0
        0/1|tap|cuc|remark|0.0
    """,
    "a restored phone's journal was called damaged": """
        0 cuc,dung,hoa 0.0 131072 500
        0/0|back up|cuc||0.0
        0/1|tap|cuc|answer|0.0
        0/2|sync|cuc||0.0
        0/3|wait|||60.0
        0/4|restore|cuc||0.0
        0/5|tap|cuc|close|0.0
        0/6|tap|cuc|reopen|0.0
        0/7|sync|cuc||0.0
        0/8|wait|||60.0
    """,
    "a copied phone was shown the other's entries and stopped syncing": """
        136 cuc,dung,giang 0.2 131072 3
        136/5|tap|dung|answer|0.0
        136/12|clone|dung||0.0
        136/14|tap|dung'|room|0.0
        136/18|tap|dung|room|0.0
    """,
    "a copied phone took a refusal of the other's entry for its own and stopped syncing": """
        0 cuc,cuc-2,dung 0.0 131072 1
        0/0|clone|cuc-2||0.0
        0/1|tap|cuc-2'|photo|0.0
        0/2|tap|cuc-2'|remark|0.0
        0/3|tap|cuc-2|answer|0.0
        0/4|wait|||60.0
        0/5|tap|cuc-2|foul|0.0
        0/6|sync|cuc-2||0.0
        0/7|wait|||60.0
    """,
    "a tap larger than a batch was torn apart": """
        4 cuc,cuc-2,dung 0.2 131072 1
        4/47|tap|cuc|room|0.0
    """,
    "a phone kept the stamp that a central had given before it was restored": """
        205 cuc,dung,giang 0.6 600 1
        205/0|tap|giang|remark|0.0
        205/4|central back up|||0.0
        205/9|sync|giang||0.0
        205/43|wait|||10.0
        205/45|central restore|||0.0
    """,
    "a phone never heard of the stamp that its entry got when a colleague brought it": """
        205 cuc,dung,giang 0.6 600 1
        205/3|tap|dung|photo|0.0
        205/4|central back up|||0.0
        205/7|sync|dung||0.0
        205/42|sync|cuc||0.0
        205/43|wait|||10.0
        205/45|central restore|||0.0
    """,
    "a restored central held the other life of a copied phone's journal": """
        4803 cuc,dung,hoa 0.4 131072 1
        4803/21|clone|cuc||0.0
        4803/23|tap|cuc|visit|0.0
        4803/30|sync|cuc'||0.0
        4803/33|tap|cuc'|foul|0.0
        4803/34|central back up|||0.0
        4803/35|wait|||400.0
        4803/38|central restore|||0.0
    """,
}
REMEMBERED: dict[str, Schedule] = {name: read_schedule(day) for name, day in _DAYS.items()}
