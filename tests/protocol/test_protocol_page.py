"""docs/protocol.md: what is made in it is what the code makes today, and what is written by hand names everything."""

import re
from pathlib import Path

import msgspec
import pytest

from node.delivery import events
from node.delivery.exchange import NODE_INFO_PATH, PEER_PATH
from protocol import identity, limits
from protocol.code_outcomes import CodeOutcome
from protocol.envelope import CONTENT_TYPE, Head
from protocol.errors import Refusal
from protocol.identity import INVITATION_DOMAIN, INVITATION_KEY_DOMAIN, MESSAGE_DOMAIN, PROOF_DOMAIN
from protocol.invitation import Invitation
from protocol.modes import Mode
from protocol.node_info import NodeInfo, NotTakingReason
from protocol.records import DestinationRecord, SourceRecord, Status
from protocol.tables import Condition, Effect, Reply
from protocol.vocabulary import Details, Kind, Phase, Preview, Reason, Role
from scripts.protocol_page import tables
from scripts.protocol_page.filling import PAGE, PARTS, filled
from scripts.protocol_page.limits import LIMITS
from scripts.vectors.files import FILES

TEXT = PAGE.read_text(encoding="utf-8")
BY_HAND = re.sub(r"<!-- made: .*?<!-- end -->", "", TEXT, flags=re.DOTALL)
SECTIONS = dict(re.findall(r"^## (?:\d+\. )?(.*?)\n(.*?)(?=^## |\Z)", BY_HAND, flags=re.DOTALL | re.MULTILINE))


def missing(words, text=BY_HAND):
    return [word for word in words if not re.search(rf"[`, (]{re.escape(str(word))}[`,;:)]", text)]


def test_what_is_made_in_the_page_is_what_the_code_makes_today():
    assert filled(TEXT) == TEXT, "run `make vectors`, and look at what has changed"


def test_a_part_without_a_place_is_told():
    with pytest.raises(ValueError, match="effects"):
        filled(TEXT.replace("<!-- made: effects -->", ""))


def test_every_word_of_the_tables_is_explained():
    assert tables.CONDITIONS.keys() == set(Condition)
    assert tables.EFFECTS.keys() == set(Effect)
    assert tables.REPLIES.keys() == set(Reply)


def test_every_limit_of_the_protocol_is_in_the_table():
    constants = {name for name in vars(limits) if name.isupper()}
    assert LIMITS.keys() == constants


def test_every_constant_that_the_page_names_is_in_a_table():
    named = set(re.findall(r"`([A-Z][A-Z_]+)`", BY_HAND))
    made = filled(TEXT)
    assert named
    assert [name for name in sorted(named) if f"{name}` |" not in made] == []


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("Node info", [*NodeInfo.__struct_fields__, *NotTakingReason, *Mode]),
        ("The envelope", [*Head.__struct_fields__, *Kind, *Role, *Refusal]),
        ("The envelope", [*Preview.__struct_fields__, *Phase, "preview"]),
        ("The invitation code", [*Invitation.__struct_fields__, *CodeOutcome]),
        ("Records", [*SourceRecord.__struct_fields__, *DestinationRecord.__struct_fields__]),
        ("Records", [*Reason, *Status]),
        ("MQTT", [*events.PresenceData.__struct_fields__, *events.StatusData.__struct_fields__]),
        ("MQTT", [*events.TraceData.__struct_fields__, events.PRESENCE_TYPE, events.STATUS_TYPE, events.TRACE_TYPE]),
    ],
)
def test_a_section_names_all_there_is(section, words):
    assert missing(words, SECTIONS[section].replace('"preview"', "`preview`")) == []


def test_the_details_stand_in_their_order():
    for kind in (Preview, Details):
        listed = re.search(rf'`\["{kind.__struct_config__.tag}", (.*?)\]`', BY_HAND, flags=re.DOTALL)
        names = [re.split(r"[ |]", each.strip())[0] for each in listed[1].replace("\n", " ").split(",")]
        assert names == list(kind.__struct_fields__)


def test_the_fields_stand_at_their_positions():
    body = [*Head.__struct_fields__, "serial", "revision", "phase", "enabled", "reason", "echo", "proof", "details"]
    for section, names in (("The envelope", body), ("The invitation code", list(Invitation.__struct_fields__))):
        rows = re.findall(r"^\| (\d+) \| `(\w+)` \|", SECTIONS[section], flags=re.MULTILINE)
        assert rows == [(str(place), name) for place, name in enumerate(names)]


def test_domains_paths_topics_and_types_are_those_of_the_code():
    domains = [MESSAGE_DOMAIN, INVITATION_DOMAIN, INVITATION_KEY_DOMAIN, PROOF_DOMAIN]
    assert {value for name, value in vars(identity).items() if name.endswith("_DOMAIN")} == set(domains)
    assert missing([domain.decode().removesuffix("\0") for domain in domains]) == []
    for text in (CONTENT_TYPE, PEER_PATH, NODE_INFO_PATH, events.TOPIC_PREFIX, events.STATUS_FILTER):
        assert text in BY_HAND


def test_the_contents_list_is_that_of_the_headings():
    headings = re.findall(r"^## (\d+\. .*)$", TEXT, flags=re.MULTILINE)
    listed = re.findall(r"^(\d+\.) \[(.*)\]\(#(.*)\)$", TEXT, flags=re.MULTILINE)
    assert [f"{number} {title}" for number, title, _ in listed] == headings
    anchors = {
        re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*)$", TEXT, flags=re.MULTILINE)
    }
    links = re.findall(r"\]\(#(.*?)\)", TEXT)
    assert [link for link in links if link not in anchors] == []


def test_every_link_leads_to_a_file_and_every_vector_file_is_told_of():
    links = set(re.findall(r"\]\(((?!#)[^)]*)\)", TEXT))
    assert [link for link in links if not (PAGE.parent / link).is_file()] == []
    assert {f"vectors/{name}" for name in FILES} <= links


def test_every_part_stands_once():
    assert sorted(re.findall(r"<!-- made: ([a-z-]+) -->", TEXT)) == sorted(PARTS)


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_the_page_is_linked_from(document):
    assert "(docs/protocol.md)" in (Path(PAGE).parents[1] / document).read_text(encoding="utf-8")


def test_the_fields_of_a_status_are_exactly_those_listed():
    fields = {field.name for field in msgspec.structs.fields(events.StatusData)}
    listed = re.search(r"\*\*status\*\*.*?: (`node`.*?)\. `seq`", SECTIONS["MQTT"], flags=re.DOTALL)
    assert set(re.findall(r"`(\w+)`", listed[1])) == fields
