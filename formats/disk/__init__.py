"""Files and folders that appear whole; locks, names that change at once, power cuts, journals of whole lines."""
