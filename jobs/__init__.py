"""From a dataset to predictions: training jobs on AWS or on this machine, and what they leave."""
