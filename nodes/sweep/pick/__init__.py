"""Early Pick: many seeds for a few steps, and only the chosen ones to the end.

- choose.py       which pictures: by number, or the most different
- store.py        what the network answered, kept for each seed on disk
- tape.py         one batch's answers in the order of the calls: recorded, and handed out again
- comfy_pick.py   sampling that is stopped after a few steps, and sampling that begins with answers of before
"""
