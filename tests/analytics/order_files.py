"""Small files of purchases, good and bad ones, as bytes."""

import io
import re
import zipfile

import openpyxl

HEADER = "Order number,Customer,Date,Amount"
ROW = "S1,Golden Wok,2024-01-31,12.50"


def csv_file(*lines, encoding="utf-8", end="\n"):
    return end.join(lines).encode(encoding)


def xlsx_file(*rows, title="Sheet1", edit=None, before=()):
    """Workbook of ``rows``.

    :param edit: called with the sheet before it is saved
    :param before: names of empty sheets in front
    """
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for index, name in enumerate(before):
        workbook.create_sheet(name, index)
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if edit:
        edit(sheet)
    stream = io.BytesIO()
    workbook.save(stream)
    return stream.getvalue()


def share_texts(content):
    """A workbook that keeps its texts as Excel does, in a part of their own."""
    texts = []

    def share(match):
        texts.append(b"<si>%s</si>" % match[1])
        return b't="s"><v>%d</v>' % (len(texts) - 1)

    content = edit_sheet(
        content,
        lambda data: re.sub(rb't="inlineStr"><is>(<t>.*?</t>)</is>', share, data),
    )
    content = edit_part(
        content,
        "xl/_rels/workbook.xml.rels",
        lambda data: data.replace(
            b"</Relationships>",
            b'<Relationship Id="texts" Target="sharedStrings.xml" Type="http://schemas.openxmlformats.org'
            b'/officeDocument/2006/relationships/sharedStrings"/></Relationships>',
        ),
    )
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(
            "xl/sharedStrings.xml", b"<sst>%s</sst>" % b"".join(texts), zipfile.ZIP_DEFLATED
        )
    return stream.getvalue()


def edit_part(content, part, change):
    """An archive with one part replaced by ``change(its bytes)``."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w") as new:
        for info in old.infolist():
            data = old.read(info)
            if info.filename == part:
                data = change(data)
            new.writestr(info.filename, data, zipfile.ZIP_DEFLATED)
    return result.getvalue()


def edit_sheet(content, change):
    return edit_part(content, "xl/worksheets/sheet1.xml", change)


def understate_size(content, part, size):
    """An archive that declares ``part`` to unpack to ``size`` bytes only."""
    raw = bytearray(content)
    name = part.encode()
    for match in re.finditer(re.escape(name), content):
        central = match.start() - 46
        if raw[central : central + 4] == b"PK\x01\x02":
            raw[central + 24 : central + 28] = size.to_bytes(4, "little")
        local = match.start() - 30
        if raw[local : local + 4] == b"PK\x03\x04":
            raw[local + 22 : local + 26] = size.to_bytes(4, "little")
    return bytes(raw)


def bomb(size):
    """Workbook whose sheet is ``size`` blanks, packed a thousand times smaller."""
    return edit_sheet(xlsx_file(["Customer"]), lambda _data: b" " * size)


def archive_of(**parts):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return stream.getvalue()
