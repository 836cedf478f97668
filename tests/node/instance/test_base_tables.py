"""What the instance ships with."""

from __future__ import annotations

from collections import Counter

from node.instance.growing import shipped_catalog


def test_a_label_names_one_field_of_its_table() -> None:
    dictionary = shipped_catalog().dictionary
    for table in dictionary.tables:
        labels = Counter(field.label.casefold() for field in dictionary.fields(table.name).values())
        assert [label for label, count in labels.items() if count > 1] == [], table.name
