"""What stands for AWS machines here: containers, images, storage, rehearsed failures."""
