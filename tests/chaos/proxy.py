"""A TCP proxy that can be told to be a bad line: slow, cut, half-open or dripping."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

DELAY_S = 0.4
DRIP_S = 0.005
DRIP_BYTES = 16
CHUNK_BYTES_MAX = 65_536
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)


class Line(StrEnum):
    """How the line is."""

    GOOD = "good"
    DELAY = "delay"
    """Each chunk comes late."""
    CUT = "cut"
    """All connections are reset, new ones at once."""
    HALF_OPEN = "half_open"
    """Connections stand, new ones are accepted, and nothing gets through."""
    DRIP = "drip"
    """A few bytes at a time."""


@dataclass
class Proxy:
    """Listens on loopback and hands on to one address. `line` may be set from any thread."""

    target: tuple[str, int]
    port: int = 0
    _line: Line = Line.GOOD
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def line(self) -> Line:
        """How the line is now."""
        return self._line

    @line.setter
    def line(self, now: Line) -> None:
        self._line = now
        if now in {Line.CUT, Line.GOOD}:
            # What was swallowed is lost for good: after it no connection can make sense.
            self._loop.call_soon_threadsafe(self._reset_all)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self._line is Line.CUT:
                return
            far_reader, far_writer = await asyncio.open_connection(*self.target)
            self._open.add(far_writer)
            ways = (self._pump(reader, far_writer), self._pump(far_reader, writer))
            await asyncio.gather(*ways)
        except (OSError, asyncio.CancelledError):
            pass  # one of the two ends is gone, and so is the other; or the proxy itself
        finally:
            self._reset(writer)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(CHUNK_BYTES_MAX):
                await self._hand_on(chunk, writer)
        finally:
            self._open.discard(writer)
            with contextlib.suppress(RuntimeError):
                writer.close()

    async def _hand_on(self, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        match self._line:
            case Line.HALF_OPEN:
                return
            case Line.DELAY:
                await asyncio.sleep(DELAY_S)
            case Line.DRIP:
                while len(chunk) > DRIP_BYTES and self._line is Line.DRIP:
                    writer.write(chunk[:DRIP_BYTES])
                    await writer.drain()
                    await asyncio.sleep(DRIP_S)
                    chunk = chunk[DRIP_BYTES:]
            case _:
                pass
        writer.write(chunk)
        await writer.drain()

    def _reset_all(self) -> None:
        for writer in list(self._open):
            self._reset(writer)

    def _reset(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        with contextlib.suppress(OSError):  # it is closed already
            writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE
            )
        writer.transport.abort()

    async def _listen(self) -> asyncio.Server:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _hang_up(self, server: asyncio.Server) -> None:
        server.close()
        self._reset_all()
        await asyncio.sleep(0)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def proxied(host: str, port: int) -> Iterator[Proxy]:
    """A proxy in a thread of its own, for as long as the block lasts."""
    proxy = Proxy((host, port))
    loop = proxy._loop
    server = loop.run_until_complete(proxy._listen())
    with ExitStack() as ends:
        ends.callback(loop.close)
        pool = ends.enter_context(ThreadPoolExecutor(1))
        pool.submit(loop.run_forever)
        ends.callback(loop.call_soon_threadsafe, loop.stop)
        try:
            yield proxy
        finally:
            asyncio.run_coroutine_threadsafe(proxy._hang_up(server), loop).result(5)
