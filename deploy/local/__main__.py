"""Runs one verb: `python -m deploy.local run`."""

import sys

from deploy.local import commands, errors, progress


def main() -> int:
    """Run the verb named first on the command line; a known trouble ends as one clear message."""
    verb, *arguments = sys.argv[1:] or [""]
    if verb not in commands.VERBS:
        progress.say(f"Say one of: {', '.join(commands.VERBS)}")
        return 2
    try:
        return commands.VERBS[verb](arguments)
    except errors.CannotStart as error:
        sys.stdout.flush()
        sys.stderr.write(f"\n{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
