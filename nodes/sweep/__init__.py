"""Sweeps: many pictures that differ in what was meant to differ, side by side.

- sheet.py        where pictures, headers and captions of a contact sheet go, and its drawing
- lettering.py    text that stays in its box: wraps, shrinks, is cut
- fonts.py        which font has a letter (font_files/: fonts that ship; fonts_build.py makes them)
- labels.py       labels from lists and lines of text
- pictures.py     pictures from lists and batches of any kind
- difference.py   what changed between two pictures
- manifest.py     what a sweep's folder holds: grids, finished cells, errors
- cells.py        cells of a folder, chosen by their labels
- folder_sheet.py the sheet of a folder, read from the disk one picture at a time
- viewer.py       index.html of a folder (viewer.html: the page without its data)
- load_nodes.py   the node Load Cells
- nodes.py        the nodes
"""
