"""A warning of the embedded model where a prompt has words that it was not taught."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import comfy.sd1_clip
from comfy_execution.utils import get_executing_context

from ...demo.networks import END, START
from ..comfy_progress import show_text
from ..taught_words import note_words
from ..text.printable import get_log

WORD_END = "</w>"  # in CLIP's vocabulary: the last piece of a word

log = get_log(__name__)


def watched_tokenizer(taught: Collection[int]) -> type[comfy.sd1_clip.SD1Tokenizer]:
    """ComfyUI's SD 1.x tokenizer that also says once in a run, below its node and in the log, which words are unknown.

    taught: the tokens that the text encoder was taught. What the tokenizer returns stays as it is.
    """
    known = frozenset(taught)
    warned: list[tuple[str, str]] = []  # the run and the node that were warned last

    class WatchedTokenizer(comfy.sd1_clip.SD1Tokenizer):
        """It has find_unknown, which `taught_words` asks for."""

        def tokenize_with_weights(self, text: str, *others: Any, **named: Any) -> Any:
            context = get_executing_context()
            place = (context.prompt_id, context.node_id) if context else ("", "")
            if place not in warned and (note := note_words(self.find_unknown(text))):
                warned[:] = [place] if context else []
                log.warning("%s", note)
                show_text(note)
            return super().tokenize_with_weights(text, *others, **named)

        def find_unknown(self, text: str) -> list[str]:
            """The words of a prompt that have a piece which was not taught, in their order."""
            inner = getattr(self, self.clip)
            batches = super().tokenize_with_weights(text)[self.clip_name]
            tokens = [token for batch in batches for token, *_ in batch]
            words: list[list[int]] = [[]]
            for token in tokens:
                if not isinstance(token, int) or token in (START, END):  # an embedding is a tensor
                    continue
                words[-1].append(token)
                if inner.inv_vocab[token].endswith(WORD_END):
                    words.append([])
            unknown = [inner.tokenizer.decode(word).strip() for word in words if not known.issuperset(word)]
            return [word for word in unknown if any(letter.isalnum() for letter in word)]

    return WatchedTokenizer
