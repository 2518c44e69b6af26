"""What ships with Steer, so that every workflow runs at once: pictures and the embedded model.

- pictures.py     the pictures and the people in them
- comfy_model.py  ComfyUI's MODEL, CLIP, VAE and CONTROL_NET from the embedded weights
- nodes.py        the list of nodes; demo_nodes.py declares them
"""
