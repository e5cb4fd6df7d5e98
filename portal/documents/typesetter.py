"""The program that sets one PDF: source and values come in on its input, the PDF goes out.

Run by `typesetting` as a process of its own, without the portal, its environment or its settings: a
source that runs away ends with this process, and there is nothing here that it could read.
"""

import json
import resource
import sys
from pathlib import Path

import typst

_MEGABYTE = 1024 * 1024
LIMITS = {
    resource.RLIMIT_CPU: 30,
    resource.RLIMIT_AS: 4096 * _MEGABYTE,
    resource.RLIMIT_FSIZE: 0,
    resource.RLIMIT_CORE: 0,
}


def main() -> int:
    """0 with the PDF on the output, 2 with what typst says on the error output."""
    asked = json.load(sys.stdin.buffer)
    for limit, value in LIMITS.items():
        resource.setrlimit(limit, (value, value))
    empty = Path.cwd()
    try:
        compiler = typst.Compiler(
            input=asked["source"].encode(),
            root=str(empty),
            font_paths=[asked["fonts"]],
            ignore_system_fonts=True,
            sys_inputs={"values": json.dumps(asked["values"])},
            package_path=str(empty),
            package_cache_path=str(empty),
        )
        made = compiler.compile(
            format=asked["format"],
            ppi=asked["ppi"],
            pdf_standards=["ua-1"] if asked["format"] == "pdf" else [],
        )
    except (typst.TypstError, RuntimeError) as error:
        sys.stderr.write(str(error))
        return 2
    pages = made if isinstance(made, list) else [made]
    sys.stdout.buffer.write(pages[asked["page"]])
    return 0


if __name__ == "__main__":
    sys.exit(main())
