"""The commands, one module each: parse, call, print. `cli` puts them together."""
