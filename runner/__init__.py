"""The parts of run.py. setup.py needs only the standard library; the others run inside Steer's own venv."""
