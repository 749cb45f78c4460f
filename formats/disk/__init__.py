"""What goes beyond plain writing: locks, names that change at once, power cuts, journals of whole lines."""
