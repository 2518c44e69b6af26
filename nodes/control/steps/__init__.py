"""Strengths by step: 1@1-4, 0.4@5-8 on the schedule that will be sampled.

- parse.py       the text
- strengths.py   which strength at which sigma, and the words for it
- steps_nodes.py the node Control Steps
"""
