"""``python -m imgcomp`` is the same as the command ``imgcomp``."""

from imgcomp.cli import main

if __name__ == "__main__":
    main()
