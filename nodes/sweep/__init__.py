"""Sweeps: many pictures that differ in what was meant to differ, side by side.

- sheet.py        where pictures, headers and captions of a contact sheet go, and its drawing
- lettering.py    text that stays in its box: wraps, shrinks, is cut
- fonts.py        which font has a letter (font_files/: fonts that ship; fonts_build.py makes them)
- labels.py       labels from lists and lines of text
- pictures.py     pictures from lists and batches of any kind
- difference.py   what changed between two pictures
- nodes.py        the nodes
"""
