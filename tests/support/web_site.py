"""The whole web application, served by threads on a real socket of this machine."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.serving import WSGIRequestHandler, make_server

from app.channels.doors import doors_of
from app.config import Settings
from app.wsgi import create_app


class _Quiet(WSGIRequestHandler):
    def log(self, *_: object, **__: object) -> None:
        """Write nothing: tests read answers, not access logs."""


@contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The application's base address, until the block is left."""
    app = create_app(settings)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        doors_of(app).db.close()
