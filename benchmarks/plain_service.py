"""What a tutorial builds: Flask, one SentenceTransformer.encode a request, hnswlib, no logging. For comparison only.

Run by `serve.py` with gunicorn (2 sync workers); PLAIN_HOME holds vectors.npy, phrasings.json and the encoder.
"""

import json
import os
from pathlib import Path

import hnswlib
import numpy as np
import torch
from flask import Flask, jsonify, request
from sentence_transformers import SentenceTransformer

torch.set_num_threads(1)
home = Path(os.environ["PLAIN_HOME"])
model = SentenceTransformer(str(home / "encoder"), device="cpu")
vectors = np.load(home / "vectors.npy")
phrasings = json.loads((home / "phrasings.json").read_text())
index = hnswlib.Index(space="cosine", dim=vectors.shape[1])
index.init_index(max_elements=len(vectors))
index.add_items(vectors, np.arange(len(vectors)))
index.set_ef(64)
application = Flask(__name__)


@application.post("/webhooks/rest/webhook")
def webhook():  # type: ignore[no-untyped-def]  # noqa: ANN201
    """The nearest phrasing's intent."""
    body = request.get_json()
    vector = model.encode([body["message"]], show_progress_bar=False)
    rows, distances = index.knn_query(vector, k=10)
    intent = phrasings["intents"][phrasings["intent_of_row"][int(rows[0][0])]]
    return jsonify([{"recipient_id": body["sender"], "text": intent, "score": 1 - float(distances[0][0])}])
