"""A trained network made ready to predict, as fast as the machine can."""
