"""How alike two short texts are, in languages with and without spaces between words."""

import unicodedata

SPACE = " "


def get_pairs(text):
    """The pairs of neighbouring signs of a text, which say much also in Chinese.

    >>> sorted(get_pairs("Ab, ab c"))
    [' a', ' c', 'ab', 'b ']
    >>> sorted(get_pairs("砂锅破损"))
    ['砂锅', '破损', '锅破']
    """
    text = unicodedata.normalize("NFKC", text or "").lower()
    signs = "".join(sign if sign.isalnum() else SPACE for sign in text)
    signs = SPACE.join(signs.split())
    return {one + other for one, other in zip(signs, signs[1:], strict=False)}


def compare(one, other):
    """The Sørensen-Dice coefficient of two sets, from 0 to 1.

    >>> compare(get_pairs("broken pot"), get_pairs("The pot is broken")) > 0.6
    True
    >>> compare(set(), set())
    0.0
    """
    both = len(one) + len(other)
    return 2 * len(one & other) / both if both else 0.0
