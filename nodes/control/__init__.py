"""The family Control: what a ControlNet is told, where, how strongly and when."""
