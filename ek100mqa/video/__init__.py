"""Where a clip's frames come from: files, exact frames, the frame store."""
