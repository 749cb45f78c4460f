"""Where and of what predictions fail: over the frame, near crops' edges, by attribute, size and area."""
