import copy
import random

from trade_crm_analytics.approval import compare, get_fingerprint, get_number


def make_line(**values):
    return {
        "product_id": 5,
        "quantity": "10",
        "uom_id": 1,
        "price": "9.5",
        "discount": "0",
        "tax_ids": [],
        **values,
    }


def make_content(*lines, **header):
    return {"header": {"payment_term_id": False, **header}, "lines": list(lines)}


def test_numbers_have_one_form():
    assert get_number(10) == get_number(10.0) == get_number(10.0000001) == "10"
    assert get_number(100.0) == "100"
    assert get_number(0) == get_number(-0.0) == "0"


def test_the_order_of_lines_does_not_count():
    lines = [make_line(product_id=number % 3, price=str(number)) for number in range(9)]
    shuffled = lines[:]
    random.Random(7).shuffle(shuffled)
    one, two = make_content(*lines), make_content(*shuffled)
    assert get_fingerprint(one) == get_fingerprint(two)
    assert not compare(one, two)


def test_fingerprint_and_comparison_agree():
    base = make_content(make_line(), make_line(product_id=6), make_line(price="8"))
    for number in range(3):
        for name, value in make_line(
            product_id=9, quantity="1", uom_id=2, price="1", discount="5", tax_ids=[1]
        ).items():
            changed = copy.deepcopy(base)
            changed["lines"][number][name] = value
            assert get_fingerprint(changed) != get_fingerprint(base), name
            assert compare(base, changed), name
    changed = make_content(*base["lines"], payment_term_id=3)
    assert compare(base, changed)[0][:2] == ("payment_term_id", None)


def test_a_line_twice():
    once, twice = make_content(make_line()), make_content(make_line(), make_line())
    assert [change.what for change in compare(once, twice)] == ["added"]
    assert [change.what for change in compare(twice, once)] == ["removed"]
