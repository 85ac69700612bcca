"""What tells whether two records are about the same customer: keys that are equal when they are.

A key is a text that is looked up exactly, so that a comparison with all customers is a few index
look-ups. *Strong* kinds (``name``, ``phone``, ``email``, ``vat``) identify a customer; *weak* ones
(``pinyin``, ``head``, ``tail``) find candidates, which :func:`is_close` and a person judge.
"""

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from pypinyin import lazy_pinyin
from rapidfuzz.distance import OSA
from stdnum.cn import uscc

STRONG_KINDS = ("vat", "phone", "email", "name")
MAX_LENGTH = 128  # of a key; what is longer is compared up to here
MIN_NAME = 2
MIN_PERSON_NAME = 4  # names of persons are never compared; what is longer may name a company
MIN_PINYIN = 6  # letters; shorter ones stand for too many names
MIN_HALVED = 6
MIN_DIGITS, LOCAL_DIGITS = 7, 9
MIN_VAT = 6

_CJK = re.compile(r"[\u3400-\u9fff]")
_OUR_COUNTRY = re.compile(r"\(\s*(?:中国|中國|china|prc|p\.r\.c\.?)\s*\)")
_ABBREVIATION = re.compile(r"\b(?:[^\W\d_]\.\s?){2,}")
_CHINESE_FORM = re.compile(
    r"(?:股份有限公司|有限责任公司|有限責任公司|有限公司|集团公司|集團公司|集团|集團|公司)$"
)
_LATIN_FORMS = frozenset(
    [
        "ab",
        "ag",
        "and",
        "aps",
        "as",
        "bhd",
        "bv",
        "co",
        "coltd",
        "company",
        "corp",
        "corporation",
        "cv",
        "gmbh",
        "group",
        "inc",
        "incorporated",
        "kft",
        "kg",
        "kk",
        "limited",
        "llc",
        "llp",
        "ltd",
        "ltda",
        "mbh",
        "nv",
        "ohg",
        "oy",
        "oyj",
        "plc",
        "pt",
        "pte",
        "pty",
        "pvt",
        "sa",
        "sab",
        "sarl",
        "sas",
        "sdn",
        "sl",
        "spa",
        "spol",
        "srl",
        "sro",
    ]
)
# City and province, which very many names begin with.
_PLACE = re.compile(r"^(?:.{2,3}省)?(?:.{2,3}市)?")
_ADDRESS = re.compile(r"[^\s@<>,;\"'()]+@[^\s@<>,;\"'()]+")
_CHINESE_VAT = 18


def _squeeze(text):
    """Letters, digits and ideographs of ``text``, in full."""
    return "".join(sign for sign in text if sign.isalnum())


def _fold(name):
    """One form of signs that are written in several widths and cases."""
    return unicodedata.normalize("NFKC", name or "").casefold().strip()


def normalise_name(name):
    """The name of a company without what is written now one way, now another.

    Width, case, blanks, punctuation, legal forms and "(China)" are left out; other places in brackets tell
    sister companies apart and stay.

    >>> normalise_name("杭州西湖茶叶有限公司"), normalise_name("杭州西湖茶叶（中国）股份有限公司")
    ('杭州西湖茶叶', '杭州西湖茶叶')
    >>> normalise_name("Golden Wok Co., Ltd."), normalise_name("ＧＯＬＤＥＮ　ＷＯＫ G.m.b.H.")
    ('goldenwok', 'goldenwok')
    >>> normalise_name("Group"), normalise_name("茶叶（上海）公司"), normalise_name(None)
    ('group', '茶叶上海', '')
    """
    text = _OUR_COUNTRY.sub(" ", _fold(name))
    text = _ABBREVIATION.sub(lambda match: re.sub(r"[.\s]", "", match[0]) + " ", text)
    words = re.split(r"[\W_]+", text)
    words = [word for word in words if word]
    while len(words) > 1 and words[-1] in _LATIN_FORMS:
        words.pop()
    whole = "".join(words)
    while (shorter := _CHINESE_FORM.sub("", whole)) and shorter != whole:
        whole = shorter
    return whole[:MAX_LENGTH]


def has_legal_form(name):
    """Whether ``name`` says that it is a company's.

    >>> has_legal_form("西湖茶叶有限公司"), has_legal_form("Wok GmbH"), has_legal_form("王小明")
    (True, True, False)
    """
    return normalise_name(name) != _squeeze(_fold(name))[:MAX_LENGTH]


@lru_cache(maxsize=20000)
def pinyin_key(name):
    """A name as it is pronounced: pinyin without tones, or the letters of a Latin name.

    >>> pinyin_key("西湖茶叶有限公司"), pinyin_key("Xihu Chaye Co., Ltd."), pinyin_key("Café Zoë")
    ('xihuchaye', 'xihuchaye', 'cafezoe')
    """
    normal = normalise_name(name)
    if _CJK.search(normal):
        normal = "".join(lazy_pinyin(normal))
    plain = unicodedata.normalize("NFKD", normal)
    return "".join(sign for sign in plain if sign.isascii() and sign.isalnum())[:MAX_LENGTH]


def phone_key(phone, country=None):
    """A phone number with the code of its country, digits only; its extension is kept apart.

    What is no number of the country is compared by its last digits.

    :param country: ISO code of the country of numbers that do not say theirs

    >>> phone_key("138-1234-5678", "CN"), phone_key("+86 138 1234 5678"), phone_key("0086 13812345678", "CN")
    ('8613812345678', '8613812345678', '8613812345678')
    >>> phone_key("0571-8888 6666 ext. 12", "CN"), phone_key("(０５７１)８８８８６６６６", "CN")
    ('8657188886666', '8657188886666')
    >>> phone_key("0571-88886666"), phone_key("12 34"), phone_key("000000000")
    ('188886666', '', '')
    """
    text = unicodedata.normalize("NFKC", phone or "").strip()
    digits = "".join(re.findall(r"\d", text))
    if len(digits) < MIN_DIGITS or len(set(digits)) == 1:
        return ""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return digits[-LOCAL_DIGITS:]
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return digits[-LOCAL_DIGITS:]
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]


def email_key(email):
    """The first address in ``email``, in lower case.

    >>> email_key('"Wu" <Wu@Example.com>'), email_key("a@x.cn; b@x.cn"), email_key("nobody")
    ('wu@example.com', 'a@x.cn', '')
    """
    match = _ADDRESS.search(unicodedata.normalize("NFKC", email or ""))
    return match[0].lower()[:MAX_LENGTH] if match else ""


def vat_key(vat):
    """Letters and digits of a tax number; a Chinese credit code without the code of the country.

    >>> vat_key("9133 0100 MA27 X0AB 1Y"), vat_key("de 123.456.789"), vat_key("n/a"), vat_key("000000")
    ('91330100MA27X0AB1Y', 'DE123456789', '', '')
    >>> vat_key("CN91110000600037341L"), vat_key("91110000600037341L")
    ('91110000600037341L', '91110000600037341L')
    """
    key = _squeeze(unicodedata.normalize("NFKC", vat or "")).upper()[:MAX_LENGTH]
    if len(key) == _CHINESE_VAT + 2 and key.startswith("CN") and uscc.is_valid(key[2:]):
        return key[2:]
    return key if len(key) >= MIN_VAT and len(set(key)) > 1 else ""


# ----------------------------------------------------------------------
# Names with one mistake
# ----------------------------------------------------------------------


def half_keys(normal):
    """Both halves of a normalised name, of which one mistake leaves one as it is; or None.

    >>> half_keys("杭州市西湖龙井茶叶"), half_keys("goldenwok"), half_keys("西湖茶叶")
    (('西湖龙', '井茶叶'), ('gold', 'enwok'), None)
    """
    core = _get_core(normal)
    if len(core) < MIN_HALVED:
        return None
    middle = len(core) // 2
    return core[:middle], core[middle:]


def half_lookups(normal):
    """Halves of names that may differ from ``normal`` by one sign: ``(heads, tails)``.

    >>> [sorted(halves) for halves in half_lookups("goldenwk")]
    [['gol', 'gold'], ['denwk', 'enwk']]
    """
    core = _get_core(normal)
    lengths = [length for length in range(len(core) - 1, len(core) + 2) if length >= MIN_HALVED]
    heads = {core[: length // 2] for length in lengths}
    tails = {core[-(length - length // 2) :] for length in lengths}
    return heads, tails


def _get_core(normal):
    core = _PLACE.sub("", normal)
    return core if len(core) >= MIN_HALVED - 2 else normal


def is_close(one, other):
    """Whether two normalised names differ by one sign that is missing, wrong, extra or swapped.

    >>> is_close("goldenwok", "goldenwk"), is_close("goldenwok", "godlenwok"), is_close("wok", "wall")
    (True, True, False)
    """
    return OSA.distance(one, other, score_cutoff=1) <= 1


# ----------------------------------------------------------------------
# Records
# ----------------------------------------------------------------------


def name_keys(name, is_company=True):
    """Keys that are kept of a name: set of (kind, value).

    The name of a person is never one; where it is not known whether it is, a legal form tells.

    >>> sorted(name_keys("西湖茶叶有限公司"))
    [('name', '西湖茶叶'), ('pinyin', 'xihuchaye')]
    >>> name_keys("王小明", is_company=False)
    set()
    """
    normal = normalise_name(name)
    if len(normal) < MIN_NAME or not (is_company or has_legal_form(name)):
        return set()
    keys = {("name", normal)}
    if _CJK.search(normal):
        pinyin = pinyin_key(name)
        keys |= {("pinyin", pinyin)} if len(pinyin) >= MIN_PINYIN else set()
    if halves := half_keys(normal):
        keys |= {("head", halves[0]), ("tail", halves[1])}
    return keys


def contact_keys(phone=None, email=None, vat=None, country=None):
    """Keys of what a customer is reached and taxed by: set of (kind, value).

    >>> sorted(contact_keys("13812345678", "Wu@example.com", country="CN"))
    [('email', 'wu@example.com'), ('phone', '8613812345678')]
    """
    keys = {
        ("phone", phone_key(phone, country)),
        ("email", email_key(email)),
        ("vat", vat_key(vat)),
    }
    return {(kind, value) for kind, value in keys if value}


def name_lookups(name, is_company=True):
    """Strong look-ups of a name that somebody enters: set of (kind, value).

    A long name may be a company's although the record does not say so.

    >>> name_lookups("西湖茶叶", is_company=False), name_lookups("王小明", is_company=False)
    ({('name', '西湖茶叶')}, set())
    """
    normal = normalise_name(name)
    least = MIN_NAME if is_company or has_legal_form(name) else MIN_PERSON_NAME
    return {("name", normal)} if len(normal) >= least else set()


def weak_lookups(name):
    """Where names that sound or look alike may be kept: set of (kind of the match, kind, value).

    >>> sorted(weak_lookups("Xihu Chaye"))[-1]
    ('pinyin', 'pinyin', 'xihuchaye')
    """
    normal, pinyin = normalise_name(name), pinyin_key(name)
    found = set()
    if len(pinyin) >= MIN_PINYIN:
        found.add(("pinyin", "pinyin", pinyin))
        if pinyin != normal:
            found.add(("pinyin", "name", pinyin))
    heads, tails = half_lookups(normal)
    found |= {("edit", "head", head) for head in heads}
    found |= {("edit", "tail", tail) for tail in tails}
    return found
