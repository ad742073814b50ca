"""What a forked process finds done: heavy libraries imported, patterns and word lists read."""

import alembic.command
import matplotlib.backends.backend_svg
import matplotlib.figure
import sentence_transformers
import sklearn.linear_model

import helpdesk.cli.main
import helpdesk.learning.night.run
from helpdesk.matching.settled import is_settled
from helpdesk.matching.small_talk import small_talk

__all__ = ["alembic", "helpdesk", "matplotlib", "sentence_transformers", "sklearn"]

small_talk().hear("can i talk to a person")
is_settled("it works again")
