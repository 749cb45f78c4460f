"""Labels as people have them, one file a source; each yields `Source` (`labelled_image`)."""
