"""``python -m leadkeeper`` is the same as ``leadkeeper``."""

from leadkeeper.doors.cli import main

if __name__ == "__main__":
    main()
