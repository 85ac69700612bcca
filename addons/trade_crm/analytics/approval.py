"""What was approved of an order: its fingerprint, and how another content differs from it.

A content is plain data::

    {
        "header": {"partner_id": 7, "payment_term_id": 3, "pricelist_id": False, …},
        "lines": [{"product_id": 5, "quantity": "10", "price": "9.5", "discount": "0",
                   "uom_id": 1, "tax_ids": [2]}, …],
    }

Numbers are texts in their shortest form, so that 10 and 10.0 are the same in every process.
"""

import hashlib
import json
from itertools import zip_longest
from typing import Any, NamedTuple

# What a line is recognized by when it is compared with one of before; most telling first.
LINE_ORDER = ("product_id", "uom_id", "price", "discount", "quantity", "tax_ids")


class Change(NamedTuple):
    """
    :param what: name of a field of the header or of a line; ``"added"`` or ``"removed"`` for a line
    :param product_id: of the line; None for the header
    """

    what: str
    product_id: int | None
    old: Any
    new: Any


def get_number(value):
    """``value`` in its shortest form, with six decimals at most.

    >>> get_number(10.0), get_number(0.1 + 0.2), get_number(-0.0), get_number(1e-9)
    ('10', '0.3', '0', '0')
    """
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def get_fingerprint(content):
    """Sha256 of the canonical JSON of a content, in which the order of lines does not count.

    >>> one = {"header": {"a": 1}, "lines": [{"product_id": 1}, {"product_id": 2}]}
    >>> two = {"lines": [{"product_id": 2}, {"product_id": 1}], "header": {"a": 1}}
    >>> get_fingerprint(one) == get_fingerprint(two)
    True
    """
    canonical = {**content, "lines": sorted(content["lines"], key=_get_line_key)}
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def compare(old, new):
    """What changed between two contents, as a list of :class:`Change`.

    >>> line = {"product_id": 5, "price": "10"}
    >>> compare({"header": {}, "lines": [line]}, {"header": {}, "lines": [{**line, "price": "8"}]})
    [Change(what='price', product_id=5, old='10', new='8')]
    """
    changes = [
        Change(name, None, old["header"].get(name), value)
        for name, value in new["header"].items()
        if old["header"].get(name) != value
    ]
    before, after = _group_lines(old["lines"]), _group_lines(new["lines"])
    for product_id in dict.fromkeys([*before, *after]):
        changes += _compare_product(
            product_id, before.get(product_id, []), after.get(product_id, [])
        )
    return changes


def _get_line_key(line):
    return [json.dumps(line.get(name)) for name in LINE_ORDER]


def _group_lines(lines):
    groups = {}
    for line in sorted(lines, key=_get_line_key):
        groups.setdefault(line["product_id"], []).append(line)
    return groups


def _compare_product(product_id, before, after):
    """Changes of the lines of a product; those that are the same on both sides are left out."""
    before, after = list(before), list(after)
    for line in list(before):
        if line in after:
            before.remove(line)
            after.remove(line)
    changes = []
    for one, other in zip_longest(before, after):
        if one is None or other is None:
            what = "added" if one is None else "removed"
            changes.append(Change(what, product_id, one, other))
            continue
        changes += [
            Change(name, product_id, one.get(name), value)
            for name, value in other.items()
            if one.get(name) != value
        ]
    return changes
