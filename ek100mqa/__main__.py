"""`python -m ek100mqa` is the command `ek100mqa`."""

from ek100mqa.cli import main

if __name__ == "__main__":
    main()
