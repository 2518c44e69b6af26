"""The least value of an axis at which the asked mood is there, found with few pictures.

- search.py      bisection over the values of an axis. Pure
- mood.py        how much of the mood a picture has, and how much of the face stays. Pure
- curve.py       the curve as a picture. Pure
- comfy_find.py  makes the pictures and finds the faces
"""
