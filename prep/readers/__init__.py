"""Labels as people have them, one module or room a source; each yields `Source` (`labelled_image`)."""
