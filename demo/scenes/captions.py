"""Captions in the way artists write prompts: comma-separated, many orders and wordings, always true to the picture."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

Attributes = Mapping[str, "str | int"]

QUALITY = (
    "best lighting",
    "cinematic composition",
    "detailed",
    "high quality",
    "beautiful",
    "masterpiece",
    "best quality",
)
PLACE_WORDS: dict[str, tuple[str, ...]] = {
    "backstreet": (
        "backstreet",
        "backstreet",
        "in a backstreet",
        "backstreet background",
        "lean against the wall, backstreet",
    ),
    "meadows": ("meadows", "meadows", "in the meadows", "meadows background", "meadows, flowers"),
    "black background": (
        "black background",
        "black background",
        "black background, light particle",
        "black background, light particles",
    ),
    "office": ("office", "office", "in the office", "in an office", "office background"),
    "beach": ("beach", "beach", "on the beach", "at the beach", "beach background"),
    "plain": ("plain background", "simple background", "plain soft background"),
    "stage": ("stage", "on stage", "on the stage", "stage, spotlight"),
}
EXPRESSION_WORDS: dict[str, tuple[str, ...]] = {
    "smiling": ("smiling", "smiling", "smiling", "smile", "happy, smiling"),
    "angry": ("angry", "angry", "angry", "angry face"),
    "sad": ("sad", "sad", "sad, crying", "sad face"),
    "laughing": ("laughing", "laughing", "laughing", "laughing out loud"),
    "surprised": ("surprised", "surprised", "surprised face"),
    "neutral": ("neutral", "neutral expression", "neutral face", "calm, neutral"),
}
STYLE_WORDS: dict[str, tuple[str, ...]] = {
    "braided": ("braided hair", "braided hair", "loose braided hair", "braids"),
    "long": ("long hair", "long hair", "long loose hair"),
    "short": ("short hair", "short hair", "short bob hair"),
    "bun": ("hair bun", "hair in a bun", "bun hair"),
}


def _quality(r: Random, most: int = 2) -> list[str]:
    return r.sample(QUALITY, r.choice([0, 0, 1, most]))


def _word_gaze(a: Attributes, r: Random) -> list[str]:
    words: list[str] = []
    if a["gaze"] == "up" and r.random() < 0.92:
        words.append("looking up")
    if a["facing"] == "forward":
        if r.random() < 0.3:
            words.append(
                r.choice(["facing forward", "front view", "looking at viewer"])
                if a["gaze"] != "up"
                else "facing forward"
            )
    elif r.random() < 0.55:
        words.append(f"{r.choice(['looking', 'looking', 'facing'])} {a['facing']}")
    return words


def _hair(a: Attributes, r: Random) -> str:
    style = r.choice(STYLE_WORDS[str(a["hair_style"])])
    color = str(a["hair_color"])
    form = r.random()
    if form < 0.12:
        return style
    if str(a["hair_style"]) == "bun":
        return f"{color} {r.choice(['hair bun', 'hair, hair bun', 'hair in a bun'])}"
    if form < 0.22:
        return f"{color} hair"
    return f"{color} hair, {style}" if form < 0.34 else f"{color} hair {style}" if form < 0.6 else f"{color} {style}"


def caption_portrait(a: Attributes, r: Random) -> str:
    """A caption of a portrait with these attributes; `r` chooses the wording."""
    expression = r.choice(EXPRESSION_WORDS[str(a["expression"])]) if r.random() < 0.97 else ""
    place = r.choice(PLACE_WORDS[str(a["background"])]) if r.random() < 0.95 else ""
    clothes = str(a["clothes"]) if r.random() < 0.6 else ""
    if a["subject"] != "girl":
        parts = [
            "Girl with a Pearl Earring",
            expression,
            *(_word_gaze(a, r)),
            *(["blue turban"] if r.random() < 0.3 else []),
            place,
            *_quality(r),
        ]
        return ", ".join(p for p in parts if p)
    form = r.random()
    if form < 0.28:
        return _lecture_girl(a, r)
    if form < 0.42 or (a["background"] == "black background" and form < 0.75):
        return _lecture_face(a, r, place)
    hair = _hair(a, r) if r.random() < 0.9 else ""
    eyes = f"{a['eyes']} eyes" if r.random() < 0.25 and a["expression"] != "laughing" else ""
    skin = f"{a['skin']} skin" if r.random() < 0.15 else ""
    start = r.choice(
        [
            "cute girl",
            "gorgeous cute girl",
            "1girl, solo",
            "portrait of a girl",
            "a girl",
            "girl",
            "gorgeous cute Austrian girl",
            "upper body, 1girl",
        ]
    )
    middle = [expression, hair, clothes, eyes, skin, *_word_gaze(a, r)]
    if r.random() < 0.5:
        r.shuffle(middle)
    if expression and r.random() < 0.15:
        adjective = str(a["expression"])
        start, middle = f"{adjective} girl", [m for m in middle if m != expression]
    parts = [start, *middle, place, *_quality(r)]
    if place and r.random() < 0.1:
        parts = [start, place, *middle, *_quality(r)]
    return ", ".join(p for p in parts if p)


def _lecture_girl(a: Attributes, r: Random) -> str:
    """The lecture's long prompt, with what is drawn in place of its expression, hair, clothes and place."""
    clothes = str(a["clothes"])
    comics = clothes == "comics printed shirt"
    parts = ["gorgeous cute Austrian girl", str(a["expression"])]
    if clothes == "crop top" or (comics and r.random() < 0.7):
        parts.append("(crop top)")
    style = {"braided": "loose braided hair", "long": "long hair", "short": "short hair", "bun": "hair bun"}[
        str(a["hair_style"])
    ]
    parts.append(f"{a['hair_color']} hair {style}")
    if clothes != "crop top":
        parts.append(clothes)
    if r.random() < 0.6:
        parts.append("oversized jogger pants")
    if a["background"] == "backstreet":
        parts.append("lean against the wall, backstreet")
    else:
        parts.append(
            r.choice(PLACE_WORDS[str(a["background"])]) if r.random() < 0.5 else PLACE_WORDS[str(a["background"])][0]
        )
    if r.random() < 0.3:
        parts += _word_gaze(a, r)
    return ", ".join(parts)


def _lecture_face(a: Attributes, r: Random, place: str) -> str:
    parts = ["face focus", "cute", "1girl"]
    if a["background"] == "black background":
        place = r.choice(["black background, light particle", "black background, light particles", "black background"])
    parts += [place, "solo", "standing"] if r.random() < 0.7 else [place, "solo"]
    if r.random() < 0.6:
        parts += ["cinematic composition", "best lighting"]
    parts += [*_word_gaze(a, r), str(a["expression"])]
    # "black background" must not come to mean black hair: there its color is named less often
    if r.random() < (0.3 if a["background"] == "black background" else 0.5):
        parts.insert(3, _hair(a, r))
    return ", ".join(p for p in parts if p)


def caption_savanna(a: Attributes, r: Random) -> str:
    """A caption of elephants in the savanna; `r` chooses the wording."""
    count, photo = int(a["count"]), a["style"] == "photo"
    herd = {
        1: ("an elephant", "one elephant", "a elephant", "1 elephant"),
        2: ("two elephants", "two elephants", "two elephants", "2 elephants", "a pair of elephants"),
        3: ("three elephants", "three elephants", "3 elephants"),
    }[count]
    place = r.choice(
        ["in the African savanna", "in the African savanna", "in the African savanna", "in the savanna", "in Africa"]
    )
    style = r.choice(
        ["photo", "photo", "photo", "a photo", "photograph", "photo style", "realistic photo"]
        if photo
        else [
            "animation style",
            "animation style",
            "animation",
            "anime style",
            "cartoon",
            "cartoon style",
            "in animation style",
        ]
    )
    verb = r.choice(["walking", "walking", "walking", "walking", "standing"]) if r.random() < 0.9 else ""
    main = " ".join(w for w in (r.choice(herd).replace("a elephant", "an elephant"), verb, place) if w)
    extra: list[str] = []
    if r.random() < 0.45:
        extra.append("sunset" if a["light"] == "sunset" else r.choice(["day", "daylight"]))
    if r.random() < 0.25:
        extra.append(f"{r.choice(['facing', 'walking to the'])} {a['facing']}")
    form = r.random()
    if form < 0.15:
        main = f"{'photo' if photo else 'cartoon'} of {main}"
        return ", ".join([main, *extra, *_quality(r, 1)])
    if form < 0.3:
        return ", ".join([style, main, *extra, *_quality(r, 1)])
    return ", ".join([main, style, *extra, *_quality(r, 1)])


def caption_interior(a: Attributes, r: Random) -> str:
    """A caption of a room; `r` chooses the wording."""
    room = str(a["room"])
    if room == "empty room":
        return r.choice(
            [
                "empty room template",
                "empty room, interior template",
                "empty room, interior design",
                "bare white room",
                "room template",
            ]
        )
    style, place = room.split()
    word = r.choice([style, style, style, style, "classic" if style == "classical" else "contemporary"])
    extras = {
        "modern office": ["computer on the desk", "pendant lamp", "bookshelf", "gray chair"],
        "classical office": ["wooden desk", "desk lamp", "books", "curtains", "wooden furniture"],
        "modern kitchen": ["kitchen island", "pendant lamps", "fruit bowl", "clean"],
        "classical kitchen": ["wooden kitchen", "curtains", "fruit bowl", "tile floor", "warm light"],
    }[room]
    parts = [f"{word} {place}", *(["interior design"] if r.random() < 0.75 else [r.choice(["interior", "room"])])]
    if r.random() < 0.4:
        parts += r.sample(extras, r.choice([1, 2]))
    if r.random() < 0.15:
        parts = [f"interior design of a {word} {place}", *parts[2:]]
    return ", ".join(parts + _quality(r, 1))


def caption_figure(a: Attributes, r: Random) -> str:
    """A caption of a full-body figure; `r` chooses the wording."""
    who, pose = str(a["who"]), str(a["pose"])
    poses = {
        "standing": ("standing",),
        "arms raised": ("arms raised", "arms raised", "arms up"),
        "hands on hips": ("hands on hips",),
        "waving": ("waving", "waving hand"),
        "walking": ("walking",),
        "jumping": ("jumping",),
        "arms wide open": ("arms wide open", "open arms"),
        "kicking": ("kicking", "leg raised"),
        "free": ("dynamic pose", "posing", "dancing"),
    }
    pose = r.choice(poses[pose]) if r.random() < 0.8 else ""
    place = (
        r.choice(PLACE_WORDS[str(a["background"])]).replace("lean against the wall, ", "") if r.random() < 0.95 else ""
    )
    smile = "smiling" if who not in ("knight",) and r.random() < 0.12 else ""
    form = r.random()
    if form < 0.5:
        parts = ["full body", who, pose, smile, place]
    elif form < 0.7:
        parts = [f"a {who}".replace("a astronaut", "an astronaut"), "full body", pose, place, smile]
    elif form < 0.85:
        parts = [" ".join(w for w in (who, pose) if w), place, "full body"]
    else:
        parts = ["full body", "solo", who, place, pose, smile]
    return ", ".join([p for p in parts if p] + _quality(r, 1))
