"""The parts of the screens, one a module, each with its style."""
