"""A child for the supervisor: answers health checks and notes its starts and ends in a file.

Run as `child_process.py NAME NOTES PORT [stubborn | brief | parent]`: a stubborn one ignores
SIGTERM, a brief one ends at once from its second life on, a parent has a stubborn child of its
own, as web servers have. PORT 0: it does not listen.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType


def main() -> None:
    name, notes, port, *how = sys.argv[1:]
    path = Path(notes)

    def note(word: str) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{word} {name} {os.getpid()} {os.environ.get('DATABASE_URL', '')}\n")

    def leave(_number: int, _frame: FrameType | None) -> None:
        note("end")
        sys.exit(0)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in how else leave)
    lived_before = path.exists() and f"start {name} " in path.read_text("utf-8")
    note("start")
    if "brief" in how and lived_before:
        sys.exit(7)
    if "parent" in how:
        command = [sys.executable, __file__, f"{name}-child", notes, "0", "stubborn"]
        subprocess.Popen(command)
    if port == "0":
        time.sleep(60)
        return
    with socket.create_server(("127.0.0.1", int(port))) as listener:
        while True:
            line, _ = listener.accept()
            with line:
                line.recv(1024)
                line.sendall(b"HTTP/1.0 200 OK\r\n\r\n")


if __name__ == "__main__":
    main()
