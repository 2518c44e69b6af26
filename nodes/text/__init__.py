"""Text that several families draw or read.

- error.py      an error that points at a place in a text
- printable.py  text of anyone, fit for errors, logs, labels, files and pages
- nearest.py    the names that somebody may have meant
- ranges.py     numbers and ranges such as 1-10(+2)
- letters.py    letters that can be drawn, and those that a reader sees as one
- fonts.py      the fonts in which they are drawn (fonts_build.py makes font_files/)
- lettering.py  lines and blocks of text in a box
"""
