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
- values.py       the text of a Value Axis
- plan.py         from axes to cells: settings, order, batches
- hashing.py      the key of a cell: a hash of all that makes its picture
- freeze.py       prompt and workflow set to one cell, as each picture carries them
- saving.py       folders and files that stay inside the output folder, whole or not at all
- running.py      cell after cell: made, saved, recorded
- sweeping.py     a sweep put together, and its report
- engine.py       pictures by ComfyUI's own sampling, encoding and decoding
- choices.py      names and limits that the nodes show
- sweep_engine.py a run of the node Sweep
- sweep_nodes.py, axis_nodes.py  the nodes Sweep and Value Axis
- nodes.py        the other nodes, and the list of all
"""
