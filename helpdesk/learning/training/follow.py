"""What a process that torchrun started does beside the one that runs the night."""

from contextlib import suppress
from copy import deepcopy

from helpdesk.errors import UnavailableError
from helpdesk.learning.installed import require_training
from helpdesk.learning.training import several_processes
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.finetune import take_steps
from helpdesk.settings import Settings


def follow(settings: Settings) -> int:
    """Take part in every fine-tuning of the first process until it has finished or is gone; how many there were.

    Raises UnavailableError where only serving is installed, BadInputError when the base model cannot be loaded. That
    the first process is gone is no failure of this one: its own exit code tells why.
    """
    require_training()
    trainings = 0
    with several_processes.joined(), suppress(UnavailableError):
        base = load_base(settings.base_model, threads=settings.train_threads)
        while (lesson := several_processes.next_lesson()) is not None:
            places = several_processes.received_places()
            take_steps(deepcopy(base), lesson, places, progress=lambda *_: None)
            trainings += 1
    return trainings
