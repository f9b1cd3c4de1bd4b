"""``python -m lockyard`` is the console program."""

from lockyard.cli.program import main

if __name__ == "__main__":
    main()
