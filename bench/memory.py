"""Memory of processes from /proc, shared pages counted once (proportional set size)."""

from pathlib import Path


def tree(process_id: int) -> float:
    """Mebibytes of a process and all its descendants."""
    return round(sum(_proportional_kibibytes(each) for each in _descendants(process_id)) / 1024, 1)


def web(process_id: int) -> list[float]:
    """Mebibytes of each of a web server's processes, the supervising one first."""
    return [round(_proportional_kibibytes(each) / 1024, 1) for each in _descendants(process_id)]


def _descendants(process_id: int) -> list[int]:
    children = Path(f"/proc/{process_id}/task/{process_id}/children")
    found = [process_id]
    for child in children.read_text().split() if children.exists() else []:
        found += _descendants(int(child))
    return found


def _proportional_kibibytes(process_id: int) -> int:
    for line in Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
