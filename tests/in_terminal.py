"""A command on a terminal: what it sends there."""

import fcntl
import os
import pty
import struct
import subprocess
import termios

from conftest import Krone


def sent_to_terminal(krone: Krone, *arguments: object, columns: int = 80) -> str:
    """Run `krone-tui` with a terminal for its standard output, and return what the terminal was sent."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in krone.environment.items() if name != "COLUMNS"}
    with subprocess.Popen(
        [*krone.command, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=subprocess.PIPE,
        cwd=krone.work,
        env=environment | {"TERM": "xterm-256color"},
    ) as process:
        os.close(terminal)
        sent = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:
                break
            if not part:
                break
            sent += part
        assert process.stderr is not None
        said = process.stderr.read()
    os.close(main)
    assert process.returncode == 0, said
    return sent.decode()
