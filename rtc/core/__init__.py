"""The pure core: no Django, no event loop, no clock, no I/O. Time comes in as an argument."""
