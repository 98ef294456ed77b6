"""spoiled.py FEED BILL TABLE: feeds with one fault each are made of a right one, and each must be found."""

import re
import sys
import xml.etree.ElementTree as ET

sys.dont_write_bytecode = True
from check import judge, read   # noqa: E402

ALL, FIRST = 0, 1
# What is wrong, what is looked for, what stands in its place, how often.
FAULTS = [
    ("value of an interval", r"<value>24</", "<value>25</", FIRST),
    ("quality of an estimate", r"<ReadingQuality><quality>9</quality></ReadingQuality>", "", FIRST),
    ("unknown quality", r"<quality>9<", "<quality>99<", FIRST),
    ("order of members", r"(<duration>86400</duration>)(<start>\d*</start>)", r"\2\1", FIRST),
    ("a member of another resource", r"<kind>12</kind>", "<kind>12</kind><tzOffset>0</tzOffset>", FIRST),
    ("a member twice", r"(<intervalLength>\d+</intervalLength>)", r"\1\1", FIRST),
    ("a member that must be there", r"<statusTimeStamp>\d+</statusTimeStamp>", "", FIRST),
    ("a value that is no number", r"<start>(\d+)</start>", r"<start>\1.5</start>", FIRST),
    ("a value past its type", r"<duration>\d+</duration>", "<duration>4294967296</duration>", FIRST),
    ("another namespace of ESPI", r"http://naesb.org/espi", "http://naesb.org/espi/customer", ALL),
    ("another namespace of Atom", r"http://www.w3.org/2005/Atom", "http://purl.org/atom/ns#", ALL),
    ("an attribute", r"<IntervalBlock", '<IntervalBlock id="7"', FIRST),
    ("text between members", r"<interval><duration>", "<interval>x<duration>", FIRST),
    ("no time of publication", r"<published>[^<]*</published>", "", FIRST),
    ("a time that is none", r"<updated>[^<]*</updated>", "<updated>yesterday</updated>", FIRST),
    ("a link without type", r'(<link rel="related" href="[^"]*") type="[^"]*"', r"\1", FIRST),
    ("two resources in an entry", r"(<MeterReading[^>]*/>|<MeterReading[^>]*></MeterReading>)", r"\1\1", FIRST),
    ("total", r"<billLastPeriod>", "<billLastPeriod>1", FIRST),
    ("an item left out", r"<costAdditionalDetailLastPeriod>.*?</costAdditionalDetailLastPeriod>", "", FIRST),
    ("currency", r"<currency>986<", "<currency>840<", ALL),
    ("related link", r'(rel="related" href="[^"]*)ReadingType/', r"\1ReadingKind/", FIRST),
    ("self outside up", r'(rel="self" href="[^"]*)IntervalBlock', r"\1Block", FIRST),
    ("id", r"urn:uuid:.{8}-.{4}-5", "urn:uuid:00000000-0000-4", FIRST),
    ("type of reading", r"<kind>12<", "<kind>x<", FIRST),
    ("time of use", r"<tou>3<", "<tou>2<", FIRST),
    ("rule of daylight saving", r"<dstEndRule>", "<dstEndRule>Z", FIRST),
]


def main(feed_path, bill_path, table_path):
    with open(feed_path, encoding="utf-8") as file:
        right = file.read()
    bill, rows = read(bill_path, table_path)
    if judge(ET.fromstring(right), bill, rows):
        print("the feed is not right before it is spoiled")
        return 1
    for name, pattern, instead, often in FAULTS:
        spoiled = re.sub(pattern, instead, right, count=often, flags=re.DOTALL)
        if spoiled == right:
            print(f"the fault was not made: {name}")
            return 1
        if not judge(ET.fromstring(spoiled), bill, rows):
            print(f"not found: {name}")
            return 1
    print(f"{len(FAULTS)} spoiled feeds, every one found")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
