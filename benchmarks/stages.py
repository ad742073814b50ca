"""Where the processor time of a message goes, in one process: milliseconds at the median, stage by stage.

    python benchmarks/stages.py --train ../shared/data/banking77/train.csv --test ../shared/data/banking77/test.csv

Every message goes through the whole application without a socket, then its parts alone with the vectors at hand: what
a stage takes beyond the one inside it. Processor time of this process, so that other work on the machine hardly counts;
the encoder may have a thread of its own.
"""

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from home import bench_home
from load import distinct_texts

from helpdesk.app import create_app
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.settings import Settings
from helpdesk.text import normalise


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    texts = distinct_texts([text for text, _ in read_labelled(arguments.test)], seed=arguments.seed)
    with bench_home(arguments.train, home=arguments.home, seed=arguments.seed) as (settings, _):
        result = measure(settings, [next(texts) for _ in range(arguments.messages)])
    print(json.dumps(result) if arguments.json else "\n".join(f"{name:<22} {value}" for name, value in result.items()))


def measure(settings: Settings, texts: list[str]) -> dict[str, float]:
    """Milliseconds of processor time a message at the median, and the bytes it leaves in the database."""
    app = create_app(settings)
    service = app.extensions["helpdesk"]
    live = service.live.take()
    encoder, index = live.matcher.bundle.encoder, live.matcher.bundle.index
    times: dict[str, list[float]] = {}
    for number, text in enumerate(texts):
        sender = f"bench-{number % 16}"
        whole = _taken(lambda: post(app, text, sender))  # noqa: B023
        encode = _taken(lambda: encoder.encode([normalise(text)]))  # noqa: B023
        vector = live.matcher.vectors_of([normalise(text)])[0]
        again = _taken(lambda: post(app, text, f"{sender}-again"))  # noqa: B023
        reply = _taken(lambda: service.reply(text, channel="rest", sender=f"{sender}-once-more"))  # noqa: B023
        match = _taken(lambda: live.match(text))  # noqa: B023
        rank = _taken(lambda: live.matcher.decide_vector(vector, text=normalise(text)))  # noqa: B023
        search = _taken(lambda: index.search(vector, 64))  # noqa: B023
        figures = {
            "whole": whole,
            "encode": encode,
            "beyond the encode": whole - encode,
            "with vectors at hand": again,
            "HTTP and JSON": again - reply,
            "tell and store": reply - match,
            "read and decide": match - rank,
            "score": rank - search,
            "search": search,
        }
        for name, value in figures.items():
            times.setdefault(name, []).append(value)
    service.live.stop()
    app.extensions["courier"].stop()
    return {name: round(statistics.median(values[len(values) // 10 :]), 3) for name, values in times.items()}


def post(app: Any, text: str, sender: str) -> bytes:
    """The answer to one message. Raises RuntimeError on any status but 200."""
    body = json.dumps({"sender": sender, "message": text}).encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/webhooks/rest/webhook",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
    }
    told: list[str] = []
    answer = b"".join(app(environ, lambda status, headers, exc_info=None: told.append(status)))
    if not told[0].startswith("200"):
        raise RuntimeError(f"{told[0]}: {answer[:300]!r}")
    return answer


def _taken(work: Callable[[], object]) -> float:
    """Milliseconds of processor time of this process."""
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="CSV text,intent or text,category")
    parser.add_argument("--test", type=Path, required=True, help="CSV with the messages to send")
    parser.add_argument("--home", type=Path, help="where the home of these rows is kept, or is to be kept")
    parser.add_argument("--messages", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
