"""Whole jobs between files, one call each; the command line parses, calls one of them, and says what came of it."""
