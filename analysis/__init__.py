"""From predictions to the answer: full-size masks, scores, overlays and the report."""
