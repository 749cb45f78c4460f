"""Which images to label next: how unsure a model is of each, and a choice among them."""
