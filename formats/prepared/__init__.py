"""What becomes of images on their way to a model: found, named, resized, their labels mapped, divided."""
