"""A small language model from sentences: word pairs, in the ARPA format."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

# What is taken off each count, and given to what was not seen (absolute discounting).
_DISCOUNT = 0.5
_BEGIN, _END = "<s>", "</s>"


def arpa(sentences: Iterable[str]) -> str:
    """A back-off bigram model of lower-case sentences, as the text of an ARPA file.

    Pairs that were seen are likely, any other pair of these words is possible. Absolute
    discounting with back-off (Ney, Essen, Kneser 1994).

    Raises:
        ValueError: there are no words.
    """
    singles: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for sentence in sentences:
        words = [_BEGIN, *sentence.lower().split(), _END]
        if len(words) > 2:
            singles.update(words[1:])
            pairs.update(pairwise(words))
    if not singles:
        raise ValueError("no words to make a language model of")
    total = sum(singles.values())
    one = {word: count / total for word, count in singles.items()}
    firsts: Counter[str] = Counter()
    for (first, _), count in pairs.items():
        firsts[first] += count
    followers = Counter(first for first, _ in pairs)
    mass: dict[str, float] = dict.fromkeys(firsts, 0.0)
    for first, second in pairs:
        mass[first] += one[second]
    lines = ["\\data\\", f"ngram 1={len(one) + 1}", f"ngram 2={len(pairs)}", "", "\\1-grams:"]
    for word in sorted({_BEGIN, *one}):
        probability = math.log10(one[word]) if word in one else -99.0
        weight = 0.0
        if word in firsts:
            left = _DISCOUNT * followers[word] / firsts[word]
            weight = math.log10(left / max(1e-6, 1.0 - mass[word]))
        lines.append(f"{probability:.4f} {word} {weight:.4f}")
    lines += ["", "\\2-grams:"]
    for first, second in sorted(pairs):
        probability = (pairs[first, second] - _DISCOUNT) / firsts[first]
        lines.append(f"{math.log10(probability):.4f} {first} {second}")
    return "\n".join([*lines, "", "\\end\\", ""])
