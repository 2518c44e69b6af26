"""The vocabulary of choices, with their weights and colours."""

from __future__ import annotations

from .draw import Color

EXPRESSIONS = ("smiling", "angry", "sad", "laughing", "surprised", "neutral")
HAIR_COLORS: dict[str, Color] = {
    "steel gray": (138, 150, 168),
    "blonde": (242, 205, 110),
    "brown": (122, 74, 48),
    "black": (48, 42, 58),
    "red": (208, 84, 44),
}
HAIR_STYLES = ("braided", "long", "short", "bun")
CLOTHES: dict[str, Color] = {
    "comics printed shirt": (250, 247, 240),
    "white shirt": (247, 247, 250),
    "blue hoodie": (70, 118, 205),
    "red dress": (206, 52, 62),
    "crop top": (255, 140, 160),
    "yellow sweater": (246, 190, 66),
    "black turtleneck": (60, 58, 74),
    "green jacket": (84, 140, 96),
}
SKIN_TONES: dict[str, Color] = {
    "fair": (255, 224, 204),
    "light": (248, 206, 176),
    "tan": (224, 168, 126),
    "dark": (150, 98, 70),
}
EYE_COLORS: dict[str, Color] = {"blue": (62, 128, 205), "green": (74, 152, 98), "brown": (124, 76, 44)}
SUBJECTS = {"girl": 0.9, "girl with a pearl earring": 0.1}
PLACES = ("backstreet", "meadows", "black background", "office", "beach", "plain")
GAZES = {"forward": 0.8, "up": 0.2}

SAVANNA_STYLES = ("photo", "animation")
SAVANNA_LIGHTS = ("day", "sunset")
ROOMS = {
    "modern office": 0.22,
    "classical office": 0.22,
    "modern kitchen": 0.22,
    "classical kitchen": 0.22,
    "empty room": 0.12,
}
WHO = ("dancer", "astronaut", "chef", "superhero", "farmer", "knight", "pirate", "wizard")
FIGURE_PLACES = ("meadows", "backstreet", "beach", "black background", "office", "stage")
POSES = {
    "standing": 0.13,
    "arms raised": 0.14,
    "hands on hips": 0.11,
    "waving": 0.12,
    "walking": 0.12,
    "jumping": 0.1,
    "arms wide open": 0.1,
    "kicking": 0.06,
    "free": 0.12,
}
