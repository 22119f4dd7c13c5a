"""Exercises of unit 04-truncated-bptt: windows, chunks and the loss that they belong to."""
