"""A running ComfyUI: started, watched, spoken to, asked what it has."""
