"""The matrix: every node of Steer that touches a model, on every family of the zoo.

- verdict.py   what a cell says
- sampling.py, prompts.py, control.py   the checks
- table.py     all checks, and the table
"""
