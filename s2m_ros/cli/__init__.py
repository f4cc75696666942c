"""The ``s2m`` command. ``main.py`` holds the table of subcommands, one module each."""
