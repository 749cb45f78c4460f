"""GluonCV's networks, and unet."""
