"""What readers of annotation files share: large JSON by parts, names of images and classes, shapes on one canvas."""
