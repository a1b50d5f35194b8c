"""ProxyCommand for ssh: connects to a guest's vsock port through the device's UNIX socket.

    ssh -o ProxyUseFdpass=yes -o 'ProxyCommand=python3 proxy.py SOCKET PORT' …

ssh gets the connected socket itself, so nothing is copied in between and nothing is half-closed,
which the device does not survive.
"""

import socket
import sys


def connect(path, port, timeout=10):
    """A stream to the port of the guest behind the UNIX socket; ConnectionError if none listens."""
    stream = socket.socket(socket.AF_UNIX)
    try:
        stream.settimeout(timeout)
        stream.connect(str(path))
        stream.sendall(f"CONNECT {port}\n".encode())
        answer = read_line(stream)
        if not answer.startswith(b"OK "):
            raise ConnectionRefusedError(f"the guest refuses vsock port {port}")
        stream.settimeout(None)
        return stream
    except BaseException:
        stream.close()
        raise


def read_line(stream):
    """One line, byte for byte: what follows it belongs to whoever reads next."""
    line = b""
    while not line.endswith(b"\n"):
        byte = stream.recv(1)
        if not byte:
            break
        line += byte
    return line


def main():
    """Hands the connected socket over to ssh, which listens on our standard output."""
    path, port = sys.argv[1:]
    with connect(path, port) as stream, socket.socket(fileno=1) as ssh:
        socket.send_fds(ssh, [b"\0"], [stream.fileno()])


if __name__ == "__main__":
    main()
