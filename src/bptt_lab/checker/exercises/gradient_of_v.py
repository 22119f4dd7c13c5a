"""Exercises of unit 02-gradient-of-v: softmax minus target, and the gradient of V."""
