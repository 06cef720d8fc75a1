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
    "a withdrawn phone's copy took what the other had handed over for its own": """
        2456 cuc,cuc-2,dung 0.2 2000 500
        2456/1|clone|cuc||0.0
        2456/4|tap|cuc|answer|0.0
        2456/5|tap|cuc'|photo|0.0
        2456/6|revoke|cuc||0.0
        2456/21|central back up|||0.0
        2456/22|central restore|||0.0
    """,
    "a change of a room that came too late for the minutes reached nobody": """
        20 cuc,dung,giang 0.2 600 1
        20/19|tap|dung|room|0.0
        20/25|tap|cuc|sign|0.0
        20/26|tap|dung|remove room|0.0
    """,
    "a photo that came too late was in the supplement without its caption": """
        94 cuc,cuc-2,dung 0.6 2000 500
        94/2|tap|dung|sign|0.0
        94/7|tap|cuc-2|photo|0.0
        94/16|tap|cuc-2|caption|0.0
    """,
    "a phone asked to settle what a signature had settled": """
        251 cuc,dung,giang 0.2 131072 1
        251/25|tap|cuc|room|0.0
        251/28|tap|giang|room|0.0
        251/30|tap|giang|sign|0.0
    """,
    "half of what was signed was lost when a copy of the phone was faster with the rest": """
        0 cuc,cuc-2,dung 0.0 131072 1
        0/0|tap|cuc|answer|0.0
        0/1|sync|cuc||0.0
        0/2|wait|||10.0
        0/3|tap|cuc|remark|0.0
        0/4|tap|cuc|remark|0.0
        0/6|tap|cuc|answer|0.0
        0/5|clone|cuc||0.0
        0/7|tap|cuc|sign|0.0
        0/8|tap|cuc'|answer|0.0
        0/9|tap|cuc'|remark|0.0
        0/20|crash soon|cuc||1
        0/21|sync|cuc||0.0
        0/22|wait|||30.0
        0/10|sync|cuc'||0.0
        0/11|wait|||30.0
        0/12|sync|cuc||0.0
        0/13|wait|||60.0
    """,
    "a photo's removal that came with the photo was signed and then left out": """
        3436 cuc,dung,hoa 0.6 131072 500
        3436/4|sync|cuc||0.0
        3436/6|tap|dung|photo|0.0
        3436/8|sync|dung||0.0
        3436/10|tap|dung|remove photo|0.0
        3436/34|wait|||3000000.0
        3436/39|tap|cuc|sign|0.0
    """,
    "what central wanted of others was forgotten when a batch of the phone's own had no room for it": """
        8693 cuc,cuc-2,dung 0.4 600 1
        8693/3|tap|dung|answer|0.0
        8693/4|sync|dung||0.0
        8693/5|central back up|||0.0
        8693/9|wait|||10.0
        8693/11|sync|cuc||0.0
        8693/24|wait|||10.0
        8693/27|central restore|||0.0
        8693/28|tap|cuc|room|0.0
        8693/35|revoke|dung||0.0
        8693/36|tap|cuc|photo|0.0
        8693/41|tap|cuc|visit|0.0
    """,
    "what a withdrawn phone had handed over was gone with a central that was put back": """
        2079 cuc,dung,hoa 0.4 2000 1
        2079/14|revoke|dung||0.0
        2079/21|tap|dung|visit|0.0
        2079/24|sync|dung||0.0
        2079/29|central back up|||0.0
        2079/42|wait|||0.7
        2079/43|central restore|||0.0
    """,
    "a copied phone never heard what central had refused of the time before it was copied": """
        17132 cuc,cuc-2,dung 0.4 600 3
        17132/1|tap|cuc-2|remark|0.0
        17132/2|central back up|||0.0
        17132/5|tap|cuc-2|answer|0.0
        17132/10|tap|cuc-2|foul|0.0
        17132/11|central restore|||0.0
        17132/18|sync|cuc-2||0.0
        17132/19|tap|cuc-2|photo|0.0
        17132/21|clone|cuc-2||0.0
        17132/22|wait|||3000000.0
        17132/23|sync|cuc-2'||0.0
        17132/45|tap|cuc-2|caption|0.0
        17132/46|sync|cuc-2||0.0
    """,
    "the caption of a photo that came too late was read alone once the photo's entry was dropped": """
        23636 cuc,dung,giang 0.4 600 500
        23636/13|tap|dung|photo|0.0
        23636/15|tap|dung|remark|0.0
        23636/18|sync|dung||0.0
        23636/22|tap|giang|sign|0.0
        23636/23|sync|giang||0.0
        23636/29|wait|||10.0
        23636/36|central back up|||0.0
        23636/40|tap|dung|caption|0.0
        23636/45|wait|||3000000.0
    """,
    "a phone took a restored central for the one it knew, since the entry it had heard of last came to its old place": """
        41451 cuc,cuc-2,dung 0.4 600 1
        41451/5|sync|cuc-2||0.0
        41451/9|sync|cuc||0.0
        41451/10|tap|cuc|close|0.0
        41451/15|central back up|||0.0
        41451/16|tap|dung|remark|0.0
        41451/19|tap|cuc-2|visit|0.0
        41451/20|wait|||60.0
        41451/26|sync|dung||0.0
        41451/42|central restore|||0.0
        41451/43|wait|||10.0
        41451/45|sync|cuc-2||0.0
    """,
    "a copied phone never heard what central had refused under the name that it had to give up": """
        17132 cuc,cuc-2,dung 0.4 600 3
        17132/1|tap|cuc-2|remark|0.0
        17132/2|central back up|||0.0
        17132/5|tap|cuc-2|answer|0.0
        17132/10|tap|cuc-2|foul|0.0
        17132/11|central restore|||0.0
        17132/18|sync|cuc-2||0.0
        17132/19|tap|cuc-2|photo|0.0
        17132/21|clone|cuc-2||0.0
        17132/22|wait|||3000000.0
        17132/23|sync|cuc-2'||0.0
        17132/30|tap|cuc-2'|answer|0.0
        17132/45|tap|cuc-2|caption|0.0
        17132/46|sync|cuc-2||0.0
    """,
    "a copied phone took for late what it had signed and dropped, when the other wrote it again": """
        56093 cuc,dung,hoa 0.6 131072 500
        56093/4|tap|cuc|answer|0.0
        56093/8|wait|||3000000.0
        56093/20|clone|cuc||0.0
        56093/21|sync|cuc'||0.0
        56093/22|tap|cuc'|sign|0.0
        56093/37|wait|||400.0
        56093/43|central back up|||0.0
    """,
    "a signed room was emptied when the visit it had come from was signed by somebody who had never heard of it": """
        27758 cuc,dung,giang 0.2 131072 3
        27758/1|tap|dung|visit|0.0
        27758/14|tap|dung|room|0.0
        27758/24|tap|dung|late|0.0
        27758/35|tap|giang'|sign|0.0
        27758/46|tap|dung|sign|0.0
    """,
    "what was signed counted again when a copied phone entered it under another number with another date": """
        64042 cuc,dung,hoa 0.6 131072 3
        64042/0|tap|dung|answer|0.0
        64042/14|tap|dung|room|0.0
        64042/15|sync|dung||0.0
        64042/17|sync|cuc||0.0
        64042/21|tap|cuc|answer|0.0
        64042/22|wait|||10.0
        64042/26|tap|dung|sign|0.0
        64042/38|clone|cuc||0.0
        64042/47|tap|cuc|visit|0.0
    """,
    "which of two values stood was told by the number under which a copied phone entered one of them again": """
        97983 cuc,dung,hoa 0.0 600 1
        97983/5|tap|dung|room|0.0
        97983/8|sync|dung||0.0
        97983/11|tap|cuc|room|0.0
        97983/19|clone|dung||0.0
        97983/20|sync|cuc||0.0
        97983/31|wait|||0.7
        97983/32|sync|dung||0.0
        97983/40|wait|||400.0
        97983/44|tap|dung|sign|0.0
    """,
    "a new name of a room was taken for late though the signer knew that the room had gone to another visit": """
        78129 cuc,dung,giang 0.4 131072 500
        78129/4|sync|cuc||0.0
        78129/5|wait|||2.0
        78129/7|tap|giang|room|0.0
        78129/8|wait|||0.7
        78129/16|tap|giang|visit|0.0
        78129/20|sync|giang||0.0
        78129/26|tap|cuc|visit|0.0
        78129/29|wait|||0.7
        78129/30|wait|||2.0
        78129/32|sync|giang||0.0
        78129/34|tap|giang|rename|0.0
        78129/36|tap|cuc|late|0.0
        78129/42|tap|cuc|sign|0.0
    """,
    "a photo was on a visit that a restored central kept apart, since its beginning came from a withdrawn phone": """
        97392 cuc,cuc-2,dung 0.2 2000 500
        97392/0|central back up|||0.0
        97392/1|tap|cuc-2|visit|0.0
        97392/10|sync|cuc-2||0.0
        97392/11|sync|dung||0.0
        97392/12|wait|||60.0
        97392/24|central restore|||0.0
        97392/26|revoke|cuc-2||0.0
        97392/28|tap|dung|photo|0.0
    """,
}
REMEMBERED: dict[str, Schedule] = {name: read_schedule(day) for name, day in _DAYS.items()}
