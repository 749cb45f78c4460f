"""Images that look alike: small grey copies of them, laid over each other."""
