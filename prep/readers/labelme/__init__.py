"""labelme's JSON files: read, matched with their images, drawn."""
