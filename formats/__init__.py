"""What lies on disk between the rooms: classes, crops, masks, manifest, dataset, predictions."""
