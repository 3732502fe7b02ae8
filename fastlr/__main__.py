"""Lets ``python -m fastlr`` and the installed ``fastlr`` command start the command line."""

from .cli import main

if __name__ == "__main__":
    main()
