"""The files of the project, as the checks of tests/lint see them."""
import pathlib
import subprocess

top = pathlib.Path(__file__).resolve().parents[2]


def tracked(*suffixes):
    """Paths, relative to the top, of the tracked files with one of the suffixes (all without any)."""
    # A clone that belongs to another user is read too: nothing is run from it.
    command = ["git", "-c", f"safe.directory={top}", "-C", str(top), "ls-files", "-z"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    paths = [pathlib.PurePosixPath(name) for name in output.split("\0") if name]
    return [path for path in paths if (not suffixes or path.suffix in suffixes) and (top / path).is_file()]


def text_of(path):
    """The content of a tracked file; bytes that are no UTF-8 are replaced."""
    return (top / path).read_text(encoding="utf-8", errors="replace")
