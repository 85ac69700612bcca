"""What files of strangers are let in: by size, and by what is in them."""

MAX_MEGABYTES = 10
MAX_BYTES = MAX_MEGABYTES * 1024 * 1024
MAX_FILES = 5
_ZIP = (b"PK\x03\x04",)
# How the content of a file of each extension starts.
STARTS = {
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "gif": (b"GIF87a", b"GIF89a"),
    "webp": (b"RIFF",),
    "pdf": (b"%PDF-",),
    "docx": _ZIP,
    "xlsx": _ZIP,
}
# Photos and films of telephones have their mark a little later.
BOXES = {"heic", "heif", "mp4", "mov"}
TEXTS = {"txt", "csv"}
PHOTOS = {"jpg", "jpeg", "png", "gif", "webp", "heic", "heif"}


def get_extension(name):
    """
    >>> get_extension("Photo.JPG"), get_extension("a.tar.gz"), get_extension("none")
    ('jpg', 'gz', '')
    """
    return name.rpartition(".")[2].lower() if "." in name else ""


def is_accepted(name, content):
    """Whether the file is of a type that is let in, by its name and by what is in it.

    >>> is_accepted("a.pdf", b"%PDF-1.7 ..."), is_accepted("a.pdf", b"MZ"), is_accepted("a.exe", b"MZ")
    (True, False, False)
    >>> is_accepted("a.txt", "破损".encode()), is_accepted("a.txt", bytes(9))
    (True, False)
    >>> is_accepted("a.mov", b"....ftypqt  "), is_accepted("a.webp", b"RIFF....WEBPVP8 ")
    (True, True)
    """
    extension = get_extension(name)
    if extension in TEXTS:
        return b"\x00" not in content
    if extension in BOXES:
        return content[4:8] == b"ftyp"
    if extension == "webp" and content[8:12] != b"WEBP":
        return False
    return content.startswith(STARTS.get(extension, ()))


def get_list():
    """The accepted extensions, as a file dialog takes them."""
    return ",".join(f".{extension}" for extension in sorted({*STARTS, *BOXES, *TEXTS}))
