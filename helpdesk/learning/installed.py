"""Whether what learning needs is installed. Serving does without it, so it is an extra."""

from importlib.util import find_spec

from helpdesk.errors import UnavailableError

TRAINING_LIBRARIES = (
    "torch",
    "sentence_transformers",
    "sklearn",
    "scipy",
    "matplotlib",
    "onnx",
    "onnx_ir",
    "cleanlab",
    "threadpoolctl",
)


def require_training() -> None:
    """Raise UnavailableError, before any work is done, when this installation can only serve."""
    lacking = lacking_libraries()
    if lacking:
        raise UnavailableError(
            f"this installation serves but cannot learn ({lacking[0]} is not there); "
            "install what learning needs: pip install 'helpdesk[train]'"
        )


def lacking_libraries() -> list[str]:
    """What learning needs and is not installed."""
    return [name for name in TRAINING_LIBRARIES if find_spec(name) is None]
