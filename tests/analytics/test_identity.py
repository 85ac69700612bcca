import doctest
import importlib
import random

import pytest
from trade_crm_analytics.identity import (
    half_keys,
    half_lookups,
    is_close,
    name_keys,
    name_lookups,
    normalise_name,
    phone_key,
    pinyin_key,
    vat_key,
    weak_lookups,
)


def test_doctests():
    assert doctest.testmod(importlib.import_module("trade_crm_analytics.identity")).failed == 0


@pytest.mark.parametrize(
    "name",
    [
        "深圳市鼎泰食品有限公司",
        "深圳市鼎泰食品有限责任公司",
        "深圳市 鼎泰食品 股份有限公司",
        "深圳市鼎泰食品集团有限公司",
        "深圳市鼎泰食品（中国）有限公司",
        "深圳市鼎泰食品(中国)",
        "「深圳市鼎泰食品」公司",
    ],
)
def test_a_chinese_company_is_written_in_many_ways(name):
    assert normalise_name(name) == "深圳市鼎泰食品"


@pytest.mark.parametrize(
    "name",
    [
        "Ding Tai Food",
        "DING TAI FOOD CO., LTD.",
        "Ding-Tai Food (China) Co.,Ltd",
        "Ding Tai Food L.L.C.",
        "Ding Tai Food S. A.",
        "ｄｉｎｇ ｔａｉ ｆｏｏｄ Inc",
        "Ding Tai Food Group Limited",
    ],
)
def test_a_latin_company_is_written_in_many_ways(name):
    assert normalise_name(name) == "dingtaifood"


def test_sister_companies_are_two():
    assert normalise_name("鼎泰（上海）有限公司") != normalise_name("鼎泰（北京）有限公司")
    assert normalise_name("鼎泰有限公司上海分公司") != normalise_name("鼎泰有限公司")


def test_a_name_that_is_a_legal_form_is_a_name():
    assert normalise_name("集团有限公司") == "集团"
    assert normalise_name("Co") == "co"


def test_pinyin_and_ideographs_meet():
    kept = {(kind, value) for kind, value in name_keys("西湖茶叶有限公司")}
    looked_up = {(kind, value) for _match, kind, value in weak_lookups("Xihu Chaye Co., Ltd.")}
    assert kept & looked_up == {("pinyin", "xihuchaye")}
    kept = name_keys("Xihu Chaye GmbH")
    looked_up = {(kind, value) for _match, kind, value in weak_lookups("西湖茶叶")}
    assert kept & looked_up == {("name", "xihuchaye")}
    assert pinyin_key("西湖茶業") == pinyin_key("西湖茶业")


def test_a_person_is_not_compared_by_name():
    assert name_keys("Mary Lee", is_company=False) == set()
    assert name_lookups("王伟", is_company=False) == set()
    assert name_keys("王伟茶叶有限公司", is_company=False) == name_keys("王伟茶叶有限公司")


def test_a_number_abroad_says_so():
    assert phone_key("+1 212 555 0123", "CN") == phone_key("(212) 555-0123", "US") == "12125550123"
    assert phone_key("13812345678", "CN") != phone_key("13812345678", "US")


def test_a_wrong_credit_code_stays_as_it_is():
    assert vat_key("CN91110000600037341X") == "CN91110000600037341X"


def _change(name, alphabet, generator):
    """``name`` with one sign that is missing, wrong or extra."""
    place = generator.randrange(len(name))
    sign = generator.choice(alphabet)
    return generator.choice(
        [
            name[:place] + name[place + 1 :],
            name[:place] + sign + name[place + 1 :],
            name[:place] + sign + name[place:],
        ]
    )


@pytest.mark.parametrize("alphabet", ["abcdefghijklmnop", "杭湖茶叶龙井鼎泰食品华强"])
def test_one_mistake_leaves_a_half_to_look_up(alphabet):
    generator = random.Random(1)
    for _number in range(2000):
        name = "".join(generator.choices(alphabet, k=generator.randrange(7, 20)))
        wrong = _change(name, alphabet, generator)
        assert is_close(name, wrong)
        head, tail = half_keys(name)
        heads, tails = half_lookups(wrong)
        assert head in heads or tail in tails, (name, wrong)


def test_two_mistakes_are_another_name():
    assert not is_close("goldenwok", "goldenwall")
    assert not is_close("西湖茶叶", "东湖茶具")
