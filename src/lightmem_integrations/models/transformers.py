"""A language model of the transformers library, from wherever its weights can be had."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from lightmem_integrations.errors import MissingExtraError, ModelUnavailableError
from lightmem_integrations.models.prompts import with_schema_in_prompt
from lightmem_integrations.models.protocols import Completion, Message


class TransformersModel:
    """A chat model of transformers (extra ``local``), on a GPU where there is one.

    transformers does not decode under a schema: the prompt asks for it, and the answer is checked.

    Args:
        model: Name of the model on the hub, or a local folder.
        gguf_file: A ``.gguf`` file in there, which is then unpacked (needs ``gguf`` and
            ``accelerate``). `GGUFLanguageModel` runs such a file as it is.
    """

    def __init__(self, model: str, *, gguf_file: str | None = None) -> None:
        self._model = model
        self._gguf_file = gguf_file

    @property
    def name(self) -> str:
        """Which model this is."""
        return self._model

    def load(self) -> None:
        """Load the weights now, so that the first call need not.

        Raises:
            MissingExtraError: transformers is not installed.
            ModelUnavailableError: The weights cannot be had.
        """
        _load(self._model, self._gguf_file)

    def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 256,
        seconds: float | None = None,
    ) -> Completion:
        """Answer; see `LanguageModel`. ``seconds`` holds for the writing, not for the loading."""
        tokenizer, model = _load(self._model, self._gguf_file)
        prompt = tokenizer.apply_chat_template(
            [dict(each) for each in with_schema_in_prompt(messages, schema)],
            add_generation_prompt=True,
            return_tensors="pt",
            return_dict=True,
        ).to(model.device)
        written = model.generate(
            **prompt,
            max_new_tokens=max_tokens,
            max_time=seconds,
            do_sample=False,
            pad_token_id=tokenizer.eos_token_id,
        )
        read = prompt["input_ids"].shape[1]
        answer = written[0, read:]
        return Completion(
            tokenizer.decode(answer, skip_special_tokens=True), int(read), len(answer)
        )


_loading = threading.Lock()


def _load(model: str, gguf_file: str | None) -> tuple[Any, Any]:
    with _loading:
        return _loaded(model, gguf_file)


@lru_cache(maxsize=2)
def _loaded(model: str, gguf_file: str | None) -> tuple[Any, Any]:
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise MissingExtraError(f"The model {model!r}", "local", "transformers") from error
    options: dict[str, Any] = {"trust_remote_code": False}
    if gguf_file is not None:
        options["gguf_file"] = gguf_file
    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(model, **options)
        weights: Any = AutoModelForCausalLM.from_pretrained(model, **options)
    except Exception as error:
        raise ModelUnavailableError(
            f"The weights of {model!r} are not in a local folder, and the hub did not give them "
            f"({type(error).__name__}). Pass the path of a downloaded model or of a .gguf file."
        ) from error
    return tokenizer, weights.to("cuda" if torch.cuda.is_available() else "cpu").eval()
