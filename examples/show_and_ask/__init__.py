"""The demo task "show and ask": a speaker with a camera and a deck of picture cards."""
