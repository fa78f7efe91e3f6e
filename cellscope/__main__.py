"""`python -m cellscope` is `cellscope`."""

from cellscope.cli import main

if __name__ == "__main__":
    main()
