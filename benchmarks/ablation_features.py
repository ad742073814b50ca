"""The scorer without one of its per-intent or in-scope features, its weights fitted anew: part of `ablations.py`.

Under the packaged encoder as it is. For BANKING77, which has no messages out of scope, a fifth of the intents is not
learnt. `strange` are messages in other languages and random letters, which the features of wording are there for.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final
from unittest.mock import patch

import numpy as np
from ablation_sets import OUTSIDE, BaseEncoder, dataset, load_task
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from helpdesk.learning.calibration import weights
from helpdesk.learning.calibration.folds import Fold, frozen_folds
from helpdesk.learning.calibration.out_of_fold import out_of_scope_texts
from helpdesk.learning.calibration.out_of_scope import too_near
from helpdesk.learning.calibration.reliability import calibration_error
from helpdesk.learning.calibration.scorer_fit import _features, _measure, _parts, _worded
from helpdesk.learning.calibration.scorer_results import Spellings
from helpdesk.learning.calibration.weights import Rows, fit_weights
from helpdesk.learning.data.splits import row_groups
from helpdesk.matching import wording
from helpdesk.matching.scorer import INTENT_FEATURES, SCOPE_FEATURES, Features
from helpdesk.matching.wording import read_vocabulary

Figures = dict[str, float]
FALSE_REJECTION: Final = 0.04
EVERYTHING: Final = "with all features"
LEFT_OUT: Final = {
    **{f"view {name}": (name,) for name in INTENT_FEATURES},
    **{f"sign {name}": (name,) for name in SCOPE_FEATURES[1:]},
    "signs spelled, unknown, letters": wording.WORDING_FEATURES,
    "signs spelled, letters": ("spelled", "letters"),
    "signs nearest, centroid, top": ("nearest", "centroid", "top"),
    "signs nearest, centroid, top, energy": ("nearest", "centroid", "top", "energy"),
    "views nearest, centroid": ("nearest", "centroid"),
}
STRANGE: Final = (
    "wo ist meine karte geblieben", "ich habe mein passwort vergessen", "wie lange dauert eine überweisung",
    "où est ma carte bancaire", "j'ai oublié mon mot de passe", "combien de temps prend un virement",
    "dónde está mi tarjeta", "he olvidado mi contraseña", "cuánto tarda una transferencia",
    "dove si trova la mia carta", "ho dimenticato la password", "quanto tempo richiede un bonifico",
    "onde está o meu cartão", "esqueci a minha senha", "gdzie jest moja karta", "zapomniałem hasła",
    "kartım nerede", "şifremi unuttum", "var är mitt kort", "jag har glömt mitt lösenord", "waar is mijn kaart",
    "missä korttini on", "hol van a kártyám", "kde je moje karta", "где моя карта", "я забыл пароль",
    "πού είναι η κάρτα μου", "我的卡在哪里", "パスワードを忘れました", "비밀번호를 잊어버렸어요",
)  # fmt: skip


@dataclass(frozen=True)
class _Measured:
    """One draw: the rows that weights are fitted on, and the views of what is asked. strange: which are such."""

    rows: Rows
    asked: Features
    truth: NDArray[np.int64]
    strange: NDArray[np.bool_]


def measure_features(name: str, left_out: str, folder: Path, base: BaseEncoder, *, seed: int) -> Figures:
    """Fit the weights without a feature and ask.

    accuracy in scope; oos_auroc and oos_recall_at_4 (4% of what is in scope rejected) of messages out of scope,
    strange_recall_at_4 of strange ones; error of calibration over all but the strange.
    """
    found = _measured(name, folder, base, seed)
    names = LEFT_OUT.get(left_out, ())
    rows, asked = found.rows, found.asked
    views = [INTENT_FEATURES.index(feature) for feature in names if left_out.startswith("view")]
    if views:
        near, outside = _blank(rows.near, views), _blank(rows.out_of_scope, views)
        rows = replace(rows, inside=_blank(rows.inside, views), near=near, out_of_scope=outside)
        asked = _blank(asked, views)
    barred = {} if views else dict.fromkeys(names, (0.0, 0.0))
    with patch.dict(weights._ALLOWED, barred):
        conditional, inside = fit_weights(rows, seed=seed).apply(asked)
    return _figures(conditional, inside, found)


def _figures(conditional: NDArray[np.float64], inside: NDArray[np.float64], found: _Measured) -> Figures:
    known, outside = found.truth >= 0, (found.truth < 0) & ~found.strange
    right = conditional.argmax(axis=1) == found.truth
    level = float(np.quantile(inside[known], FALSE_REJECTION))
    confidence = conditional.max(axis=1) * inside
    usual = ~found.strange
    return {
        "accuracy": float(right[known].mean()),
        "oos_auroc": float(roc_auc_score(known[usual], inside[usual])),
        "oos_recall_at_4": float((inside[outside] < level).mean()),
        "strange_recall_at_4": float((inside[found.strange] < level).mean()),
        "right_auroc": float(roc_auc_score(right[usual], confidence[usual])),
        "calibration_error": calibration_error(confidence[usual], right[usual]),
    }


def _blank(views: Features, columns: Sequence[int]) -> Features:
    per_intent = views.per_intent.copy()
    per_intent[:, :, columns] = 0.0
    return Features(per_intent, views.scope)


@cache
def _measured(name: str, folder: Path, base: BaseEncoder, seed: int) -> _Measured:
    task = load_task(name, folder, shots=10, seed=seed)
    task = task.without_intents(0.2, seed=seed) if name == "banking77" else task
    found = dataset(task.learn)
    texts, outside = found.texts, out_of_scope_texts(found, seed=seed)
    vectors, out_of_scope = base.encode(texts), base.encode(outside)
    intents = np.array(found.intent_numbers, dtype=np.int32)
    folds = frozen_folds(vectors, intents, out_of_scope, groups=np.array(row_groups(found)), seed=seed)
    used = np.flatnonzero(~too_near(folds, taught=0))
    folds = [Fold(**{**vars(fold), "out_of_scope_vectors": out_of_scope[used]}) for fold in folds]
    spelled = Spellings([base.spell(text) for text in texts], [base.spell(outside[row]) for row in used])
    rows, _ = _measure(folds, len(found.intents), spelled)
    vocabulary = read_vocabulary(spelled.rows)
    parts = _parts(vectors, intents, out_of_scope[used], len(found.intents), vocabulary)
    strange = [*STRANGE, *_random_letters(seed)]
    asked = [*(text for text, _ in task.ask), *strange]
    worded = _worded(vocabulary, [base.spell(text) for text in asked], np.arange(len(asked)))
    whole = Fold(vectors, intents, vectors, intents, np.arange(len(texts)), out_of_scope[used])
    views = _features(parts, whole, base.encode(asked), worded=worded)
    truth = [found.intents.index(intent) if intent != OUTSIDE else -1 for _, intent in task.ask]
    is_strange = np.arange(len(asked)) >= len(task.ask)
    return _Measured(rows, views, np.array([*truth, *[-1] * len(strange)]), is_strange)


def _random_letters(seed: int) -> list[str]:
    chance = random.Random(seed)
    return [
        " ".join("".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(3, 9))) for _ in range(size))
        for size in (chance.randint(1, 6) for _ in range(30))
    ]
