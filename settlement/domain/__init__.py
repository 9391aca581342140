"""The arithmetic of settlement: plain Python and numpy, no Django, no clock, no I/O."""
