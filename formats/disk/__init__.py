"""What goes beyond plain writing: locks, exchanged names, power cuts, journals of whole lines, files for one owner."""
