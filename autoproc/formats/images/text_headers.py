"""Headers of text: keyword and value in braces (SMV, d*TREK, EDF), or in records of 80 characters (Bruker)."""

from __future__ import annotations

LONGEST_RECORD = 4096
"""Characters of a keyword and its value; the longest in use, the vectors of d*TREK, take some hundred."""
RECORD, KEYWORD = 80, 7
"""Characters of Bruker's records and of their keywords."""


def braced_fields(text: str, separator: str) -> list[tuple[str, str]]:
    """Keyword and value of each record "key = value;" of a header's text, in their order.

    separator : what ends a record, a newline (SMV, where a semicolon stands before it) or ";" (EDF)
    """
    records = (record.partition("=") for record in text.split(separator) if len(record) <= LONGEST_RECORD)
    return [(_bare(key), _bare(value)) for key, equals, value in records if equals]


def record_fields(text: str) -> dict[str, str]:
    """Keyword and value of records of 80 characters "KEYWORD:value"; values of one keyword follow each other."""
    fields: dict[str, str] = {}
    for place in range(0, len(text) - RECORD + 1, RECORD):
        key, colon, value = text[place : place + RECORD].partition(":")
        if not colon or len(key) != KEYWORD:
            break
        fields[key.strip()] = f"{fields.get(key.strip(), '')} {value.strip()}".strip()
    return fields


def _bare(text: str) -> str:
    return text.strip(" \t\r\n\f\v\0;")
