"""The parts of `faulty.py`."""
