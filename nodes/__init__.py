"""Steer's node families. Each folder is one family; its nodes.py ends in a NODES list.

ComfyUI waits for every pack when it starts, so loading this one builds the schemas and does no more: files of nodes
import at their top only what their schemas show (api.py, choices.py here and in the family). What `execute` needs is
imported inside it, at first use; types that only annotations name stand under TYPE_CHECKING.
"""
