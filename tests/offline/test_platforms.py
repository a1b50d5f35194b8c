"""doc/platforms.md says of each machine what the program's own table does, and each row its source."""

import re

from tree import CHECKOUT

TEXT = (CHECKOUT / "doc/platforms.md").read_text("utf-8")
# What the document may call each rule.
VERDICTS = {"VIRTIO": {"yes, with a device", "no, without a device"},
            "HYPERV": {"yes, with hv_sock"}, "NEVER": {"no"}, "UNKNOWN": {"not known"}}


def rows():
    """The rows of the document's table: known by, verdict, source."""
    found = re.findall(r"^\|(?! machine|-).*\|$", TEXT, re.M)
    assert len(found) > 15
    return [[cell.strip() for cell in row.strip("|").split("|")][1:2]
            + [cell.strip() for cell in row.strip("|").split("|")][3:] for row in found]


def machines():
    """The rows of the program's table by DMI: what tells the machine, and the rule."""
    (source,) = [path.read_text("utf-8") for path in (CHECKOUT / "module").rglob("*.c")
                 if "by_dmi[] = {" in path.read_text("utf-8")]
    table = source.split("by_dmi[] = {")[1].split("\n};")[0]
    found = re.findall(r'\{ (NULL|"[^"]*"), (NULL|"[^"]*"), (NULL|"[^"]*"),\s*(RULE_(\w+)|CLOUD\()',
                       table)
    assert len(found) == len(re.findall(r"\{ (?:NULL|\")", table)) > 25
    for vendor, product, tag, _, rule in found:
        (*_, words) = [word for word in (vendor, product, tag) if word != "NULL"]
        yield words.strip('"'), rule or "NEVER"


def test_verdicts_are_the_programs():
    for words, rule in machines():
        verdicts = {verdict for known, verdict, *_ in rows() if f"`{words}`" in known}
        assert verdicts and verdicts <= VERDICTS[rule], (words, rule, verdicts)


def test_every_row_has_its_source_and_every_link_its_use():
    defined = set(re.findall(r"^\[([\w-]+)\]: https://", TEXT, re.M))
    assert set(re.findall(r"\]\[([\w-]+)\]", TEXT)) == defined
    assert [row for row in rows() if not re.search(r"\]\[", row[2])] == [
        ["`systemd-detect-virt`: `none`", "not known", ""]]
