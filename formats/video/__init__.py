"""Videos read frame by frame, by ffmpeg; frames kept as images."""
