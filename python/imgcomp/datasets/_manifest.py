"""The note that an exported folder of pictures carries: its classes by number, in any spelling.

Folder names cannot hold every class name ("T-shirt/top") and sort in an order of their own; the
note keeps names and numbers, so that `from_folder` gives back what `export` was given.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from imgcomp.datasets._files import read_file
from imgcomp.errors import CorruptDataError

__all__ = ["MANIFEST", "Manifest", "folder_names", "read_manifest"]

MANIFEST = "imgcomp.json"
_FORMAT = "imgcomp-pictures-1"
_LONGEST = 200


@dataclass(frozen=True)
class Manifest:
    """What the note says.

    Attributes:
        classes: Names of the classes, in the order of the label numbers.
        folders: The folder of each class.
        parts: ``train`` and ``test`` where there are such folders around the class folders.
    """

    classes: tuple[str, ...]
    folders: tuple[str, ...]
    parts: tuple[str, ...]

    def to_json(self) -> str:
        """The file's text."""
        content = {
            "format": _FORMAT,
            "note": "Classes by label number, and the folder that holds the pictures of each; "
            "pictures are numbered in the order of the data set.",
            "parts": list(self.parts),
            "classes": [
                {"name": name, "folder": folder}
                for name, folder in zip(self.classes, self.folders, strict=True)
            ],
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def folder_names(classes: Sequence[str]) -> tuple[str, ...]:
    """A folder name for each class: its own where that is possible, all different in any case.

    What a file system or `from_folder` could take amiss becomes ``%`` and two hex digits, as in
    addresses: ``T-shirt%2Ftop``.
    """
    names: list[str] = []
    taken: set[str] = set()
    for number, name in enumerate(classes):
        folder = quote(name.encode("utf-8", "surrogatepass"), safe=" !&'()+,;=@")
        if folder.startswith((".", "__", " ")):
            folder = f"%{ord(folder[0]):02X}{folder[1:]}"
        if folder.endswith((".", " ")):
            folder = f"{folder[:-1]}%{ord(folder[-1]):02X}"
        if not folder or len(folder) > _LONGEST:
            folder = f"class-{number}"
        while folder.casefold() in taken:
            folder += f"-{number}"
        taken.add(folder.casefold())
        names.append(folder)
    return tuple(names)


def read_manifest(folder: Path) -> Manifest | None:
    """A folder's note, or None where there is none of ours.

    Raises:
        CorruptDataError: The note is ours, but damaged.
    """
    path = folder / MANIFEST
    if not path.is_file():
        return None
    raw = read_file(path, limit=64 << 20)
    try:
        content = json.loads(raw)
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            return None
        manifest = Manifest(
            tuple(entry["name"] for entry in content["classes"]),
            tuple(entry["folder"] for entry in content["classes"]),
            tuple(content["parts"]),
        )
        fits = (
            all(isinstance(text, str) for text in manifest.classes + manifest.folders)
            and len(set(manifest.folders)) == len(set(manifest.classes)) == len(manifest.classes)
            and manifest.parts in ((), ("train", "test"))
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        fits = False
    if not fits:
        raise CorruptDataError(
            f"{path}: expected the classes that imgcomp wrote there, got something else; export "
            "the data set again, or remove this file to take the folders' names as classes"
        )
    return manifest
