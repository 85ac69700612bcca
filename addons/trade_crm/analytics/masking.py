"""Personal data as it is shown to somebody who may know that it exists, but not what it is."""

import re

MASK = "*"
_DIGIT = re.compile(r"\d")
_CJK = re.compile(r"[\u3400-\u9fff]")
_HIDDEN = 4  # digits in the middle of a phone number


def mask_name(name):
    """Keep what addresses a person: the first character of a Chinese name, initials of others.

    >>> mask_name("王小明"), mask_name("Mary Jane Lee"), mask_name("")
    ('王**', 'M*** J*** L**', '')
    """
    name = (name or "").strip()
    if _CJK.search(name):
        return name[0] + MASK * 2
    return " ".join(word[0] + MASK * min(len(word) - 1, 3) for word in name.split())


def mask_company(name):
    """Keep the first two characters of a Chinese company, the first word's start of others.

    >>> mask_company("杭州西湖茶叶有限公司"), mask_company("Golden Wok Ltd."), mask_company("鼎")
    ('杭州****', 'Gol****', '*')
    """
    name = (name or "").strip()
    if not name:
        return ""
    shown = min(2 if _CJK.search(name) else 3, len(name) - 1)
    return name[:shown] + MASK * (4 if shown else 1)


def mask_phone(phone):
    """Keep the last four digits and, of a long number, the start.

    >>> mask_phone("+86 138 1234 5678"), mask_phone("0571-88886666"), mask_phone("12345")
    ('+86 138 **** 5678', '0571-****6666', '****5')
    """
    phone = (phone or "").strip()
    places = [match.start() for match in _DIGIT.finditer(phone)]
    if not places:
        return ""
    hidden = (
        places[-_HIDDEN - 4 : -4] if len(places) > _HIDDEN + 2 else places[: min(4, len(places))]
    )
    return "".join(MASK if place in hidden else sign for place, sign in enumerate(phone))


def mask_email(email):
    """Keep the first character and the domain.

    >>> mask_email("li.wei@example.com"), mask_email("no address")
    ('l***@example.com', 'n***')
    """
    email = (email or "").strip()
    if not email:
        return ""
    user, at, domain = email.rpartition("@")
    return f"{(user or email)[0]}{MASK * 3}{at}{domain if user else ''}"


def mask_number(number):
    """Keep the last four characters of a tax number or another identifier.

    >>> mask_number("91330100MA27ABCD1Y"), mask_number("1234")
    ('****CD1Y', '****')
    """
    number = (number or "").strip()
    if not number:
        return ""
    return MASK * 4 + (number[-4:] if len(number) > 4 else "")


_EMAIL_IN_TEXT = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# Seven digits or more, as people write them: "+86 138-1234-5678", "(0571) 8888 6666".
_PHONE_IN_TEXT = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){6,}")


def mask_text(text, names=()):
    """Mask addresses, phone numbers and the given names within a sentence.

    :param text: plain text
    :param names: dict or pairs of what is to be replaced and by what

    >>> mask_text("Ask 王小明, 13812345678, wang@example.com", {"王小明": "王**"})
    'Ask 王**, 138****5678, w***@example.com'
    """
    text = _EMAIL_IN_TEXT.sub(lambda match: mask_email(match[0]), text or "")
    text = _PHONE_IN_TEXT.sub(lambda match: mask_phone(match[0]), text)
    # Longer names first: one may be a part of another.
    for name, masked in sorted(dict(names).items(), key=lambda pair: -len(pair[0])):
        if name.strip():
            text = re.sub(re.escape(name.strip()), lambda _match, to=masked: to, text, flags=re.I)
    return text
