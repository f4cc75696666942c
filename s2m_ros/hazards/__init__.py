"""Tracks become hazards: levels, reasons and markers."""
