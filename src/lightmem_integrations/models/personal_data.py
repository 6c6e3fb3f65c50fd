"""Finding data of persons in texts: Presidio's recognisers, without any download.

Presidio's patterns (contacts, accounts, cards, numbers of many countries) need no model. Names are
found only by a spaCy pipeline that is installed already.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from lightmem_integrations.errors import MissingExtraError, ModelError, ModelUnavailableError

_LANGUAGE = "en"


def check_installed() -> None:
    """Make sure that the detector can be made, without loading it.

    Raises:
        MissingExtraError: Presidio is not installed.
    """
    if importlib.util.find_spec("presidio_analyzer") is None:
        raise MissingExtraError("Settings.shared_knowledge", "shared", "presidio-analyzer")


@lru_cache(maxsize=2)  # seconds to load, and the same for every store
def personal_data_detector(names_model: str | None = None) -> Callable[[str], bool]:
    """Says of a text whether it holds data of a person, as far as Presidio can tell.

    Args:
        names_model: Name or folder of an installed spaCy pipeline that recognises names.

    Raises:
        MissingExtraError: Presidio is not installed.
        ModelUnavailableError: spaCy has no such pipeline here.
    """
    check_installed()
    import spacy
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    try:
        pipeline = spacy.blank(_LANGUAGE) if names_model is None else spacy.load(names_model)
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(
            f"spaCy has no pipeline {names_model!r} here. Install it, or leave "
            "Settings.names_model out to go by rules and patterns."
        ) from error

    engine: Any = SpacyNlpEngine(
        models=[{"lang_code": _LANGUAGE, "model_name": pipeline.meta["name"]}]
    )
    engine.nlp = {_LANGUAGE: pipeline}  # set already, it is never looked for or downloaded
    registry = RecognizerRegistry(supported_languages=[_LANGUAGE])
    registry.load_predefined_recognizers(languages=[_LANGUAGE], nlp_engine=engine)
    analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[_LANGUAGE])

    def detects(text: str) -> bool:
        try:
            return bool(analyzer.analyze(text=text, language=_LANGUAGE))
        except Exception as error:
            raise ModelError(f"Presidio failed: {type(error).__name__}") from error

    return detects
