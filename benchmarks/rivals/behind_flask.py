"""A rival behind Flask, as its readers would put it there: one decision a request, nothing stored.

Run by `serve.py` with gunicorn in the rival's own environment. RIVAL is the name of its module, RIVAL_JOB the file with
its job as JSON; it learns before the workers are forked.
"""

import importlib
import json
import os
from pathlib import Path

from flask import Flask, jsonify, request
from job import Job

job = Job(**json.loads(Path(os.environ["RIVAL_JOB"]).read_text()))
decide = importlib.import_module(os.environ["RIVAL"]).learn(job)
application = Flask(__name__)


@application.get("/")
def ready():  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Whether it answers."""
    return jsonify(ready=True)


@application.post("/webhooks/rest/webhook")
def webhook():  # type: ignore[no-untyped-def]  # noqa: ANN201
    """The intent of one message."""
    body = request.get_json()
    ((intent, confidence),) = decide([body["message"]])
    return jsonify([{"recipient_id": body["sender"], "text": intent, "score": confidence}])
