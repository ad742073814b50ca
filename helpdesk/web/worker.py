"""The gunicorn worker: threads, and a fair share of the connections."""

from gunicorn.workers.gthread import ThreadWorker


class FairWorker(ThreadWorker):  # type: ignore[misc]
    """Accepts a connection only while one of its threads is free for it; until then another worker may take it.

    gunicorn's own worker accepts whatever it wakes up first for, up to `worker_connections`: all clients that keep
    their connections could end at one worker, and the others had nothing to do. Connections that are kept alive or have
    sent nothing yet need no thread and do not count.
    """

    _most: int

    @property
    def worker_connections(self) -> int:
        """How many connections this worker may hold at the moment."""
        threads: int = self.cfg.threads
        return min(self._most, threads + len(self.keepalived_conns) + len(self.pending_conns))

    @worker_connections.setter
    def worker_connections(self, most: int) -> None:
        self._most = most
