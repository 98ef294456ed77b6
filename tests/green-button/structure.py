"""The structure of a Green Button feed as published, as tables, and what of a feed is not so.

Sources: NAESB REQ.21 ESPI 3.3 (30 January 2020, with MC20001 of 20 March 2020): its XML schema says the
members of each resource, their order, number and types.  RFC 4287 (Atom) for what is around them, as far
as ESPI uses it: an entry has `published` and at least two links, a link has `href`, `rel` and `type`.

All members of the resources that a bill has are here, whether our feeds have them or not.  Where the schema
also lets any number stand for a kind, the kinds that it names are asked for: programs know no others.
Resources of ESPI that no bill has, and `extension`, are refused.
"""

import re

ATOM, ESPI = "{http://www.w3.org/2005/Atom}", "{http://naesb.org/espi}"


def _number(low, high):
    return lambda t: re.fullmatch(r"[+-]?\d+", t) is not None and low <= int(t) <= high


def _kind(*values):
    named = {int(v) for value in values for v in ([value] if isinstance(value, int) else value)}
    return lambda t: re.fullmatch(r"\d+", t) is not None and int(t) in named


def _text(longest):
    return lambda t: len(t) <= longest


def _word(*words):
    return lambda t: t in words


def _hex(octets):
    return lambda t: re.fullmatch(r"(?:[0-9A-Fa-f]{2})*", t) is not None and len(t) <= 2 * octets


def _any_instant(t):
    return re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", t) is not None


def _any_uri(t):
    return t != "" and not re.search(r"[\s<>]", t)


SIMPLE = {
    "Int16": _number(-2 ** 15, 2 ** 15 - 1), "Int48": _number(-2 ** 47, 2 ** 47),
    "UInt8": _number(0, 255), "UInt32": _number(0, 2 ** 32 - 1), "UInt48": _number(0, 2 ** 48 - 1),
    "TimeType": _number(-2 ** 63, 2 ** 63 - 1), "integer": _number(-10 ** 99, 10 ** 99),
    "positive": _number(1, 10 ** 99), "boolean": _word("true", "false", "0", "1"),
    "String32": _text(32), "String256": _text(256), "uri": _any_uri, "instant": _any_instant,
    "HexBinary16": _hex(2), "DstRuleType": _hex(4),
    "AccumulationKind": _kind(range(5), 6, 9, 10, 12, 13, 14), "CommodityKind": _kind(range(27)),
    "Currency": _kind(0, 36, 124, 156, 208, 356, 392, 578, 643, 752, 756, 826, 840, 978,
                      986),         # 986 is ISO 4217's BRL, one of the any numbers
    "DataQualifierKind": _kind(0, 2, 4, 5, 7, 8, 9, 11, 12, 16, 17, 23, 24, 25, 26),
    "QualityOfReading": _kind(0, range(7, 20)), "FlowDirectionKind": _kind(range(6), range(7, 22)),
    "MeasurementKind": _kind(0, range(2, 29), range(31, 39), range(40, 61), 64, 81, range(90, 156)),
    "PhaseCodeKind": _kind(0, 16, 17, 32, 33, 40, 41, 64, 65, 66, 72, 96, 97, 128, 129, 132, 136, 193, 224, 225,
                           256, 272, 512, 528, 768, 769, 784),
    "UnitMultiplierKind": lambda t: t in {str(v) for v in (-12, -9, -6, -3, -2, -1, 0, 1, 2, 3, 6, 9, 12)},
    "TimePeriodOfInterest": _kind(0, 8, 11, 13, 22, 24, 32),
    "TimeAttributeKind": _kind(range(8), 10, 14, 15, 16, 31, range(50, 78)),
    "UnitSymbolKind": _kind(0, range(2, 12), range(21, 26), range(27, 40), range(41, 52), 53, 54, 61, 63,
                            range(65, 83), range(100, 135), range(137, 170)),
    "ServiceKind": _kind(range(11)), "ItemKind": _kind(range(1, 11)),
    "AmiBillingReadyKind": _word("amiCapable", "amiDisabled", "billingApproved", "enabled", "nonAmi", "nonMetered",
                                 "operable"),
    "UsagePointConnectedKind": _word("connected", "logicallyDisconnected", "physicallyDisconnected"),
    "EnrollmentStatus": _word("unenrolled", "enrolled", "enrolledPending"),
}

MANY = None
# Members in their order: name, type, least, most.
STRUCTURES = {
    "DateTimeInterval": [("duration", "UInt32", 1, 1), ("start", "TimeType", 1, 1)],
    "SummaryMeasurement": [
        ("powerOfTenMultiplier", "UnitMultiplierKind", 0, 1), ("timeStamp", "TimeType", 0, 1),
        ("uom", "UnitSymbolKind", 0, 1), ("value", "Int48", 0, 1), ("readingTypeRef", "uri", 0, 1)],
    "RationalNumber": [("numerator", "integer", 0, 1), ("denominator", "positive", 0, 1)],
    "ReadingQuality": [("quality", "QualityOfReading", 1, 1)],
    "IntervalReading": [
        ("cost", "Int48", 0, 1), ("ReadingQuality", "ReadingQuality", 0, MANY),
        ("timePeriod", "DateTimeInterval", 0, 1), ("value", "Int48", 0, 1), ("consumptionTier", "Int16", 0, 1),
        ("tou", "Int16", 0, 1), ("cpp", "Int16", 0, 1)],
    "LineItem": [
        ("amount", "Int48", 0, 1), ("rounding", "Int48", 0, 1), ("dateTime", "TimeType", 0, 1),
        ("note", "String256", 1, 1), ("measurement", "SummaryMeasurement", 0, 1), ("itemKind", "ItemKind", 1, 1),
        ("unitCost", "Int48", 0, 1), ("itemPeriod", "DateTimeInterval", 0, 1)],
    "TariffRiderRef": [("riderType", "String256", 1, 1), ("enrollmentStatus", "EnrollmentStatus", 1, 1),
                       ("effectiveDate", "TimeType", 1, 1)],
    "TariffRiderRefs": [("tariffRiderRef", "TariffRiderRef", 1, MANY)],
    "BillingChargeSource": [("agencyName", "String256", 0, 1)],
    "ServiceCategory": [("kind", "ServiceKind", 1, 1)],
    "ServiceDeliveryPoint": [
        ("name", "String256", 0, 1), ("tariffProfile", "String256", 0, 1), ("customerAgreement", "String256", 0, 1),
        ("tariffRiderRefs", "TariffRiderRefs", 0, 1)],
    "UsagePoint": [
        ("roleFlags", "HexBinary16", 0, 1), ("ServiceCategory", "ServiceCategory", 0, 1), ("status", "UInt8", 0, 1),
        ("serviceDeliveryPoint", "ServiceDeliveryPoint", 0, 1), ("amiBillingReady", "AmiBillingReadyKind", 0, 1),
        ("checkBilling", "boolean", 0, 1), ("connectionState", "UsagePointConnectedKind", 0, 1),
        ("estimatedLoad", "SummaryMeasurement", 0, 1), ("grounded", "boolean", 0, 1), ("isSdp", "boolean", 0, 1),
        ("isVirtual", "boolean", 0, 1), ("minimalUsageExpected", "boolean", 0, 1),
        ("nominalServiceVoltage", "SummaryMeasurement", 0, 1), ("outageRegion", "String256", 0, 1),
        ("phaseCode", "PhaseCodeKind", 0, 1), ("ratedCurrent", "SummaryMeasurement", 0, 1),
        ("ratedPower", "SummaryMeasurement", 0, 1), ("readCycle", "String256", 0, 1),
        ("readRoute", "String256", 0, 1), ("serviceDeliveryRemark", "String256", 0, 1),
        ("servicePriority", "String32", 0, 1)],
    "LocalTimeParameters": [
        ("dstEndRule", "DstRuleType", 1, 1), ("dstOffset", "TimeType", 1, 1), ("dstStartRule", "DstRuleType", 1, 1),
        ("tzOffset", "TimeType", 1, 1)],
    "MeterReading": [],
    "ReadingType": [
        ("accumulationBehaviour", "AccumulationKind", 0, 1), ("commodity", "CommodityKind", 0, 1),
        ("consumptionTier", "Int16", 0, 1), ("currency", "Currency", 0, 1),
        ("dataQualifier", "DataQualifierKind", 0, 1), ("defaultQuality", "QualityOfReading", 0, 1),
        ("flowDirection", "FlowDirectionKind", 0, 1), ("intervalLength", "UInt32", 0, 1),
        ("kind", "MeasurementKind", 0, 1), ("phase", "PhaseCodeKind", 0, 1),
        ("powerOfTenMultiplier", "UnitMultiplierKind", 0, 1), ("timeAttribute", "TimePeriodOfInterest", 0, 1),
        ("tou", "Int16", 0, 1), ("uom", "UnitSymbolKind", 0, 1), ("cpp", "Int16", 0, 1),
        ("interharmonic", "RationalNumber", 0, 1), ("measuringPeriod", "TimeAttributeKind", 0, 1),
        ("argument", "RationalNumber", 0, 1)],
    "IntervalBlock": [("interval", "DateTimeInterval", 0, 1), ("IntervalReading", "IntervalReading", 0, MANY)],
    "UsageSummary": [
        ("billingPeriod", "DateTimeInterval", 0, 1), ("billLastPeriod", "Int48", 0, 1), ("billToDate", "Int48", 0, 1),
        ("costAdditionalLastPeriod", "Int48", 0, 1), ("costAdditionalDetailLastPeriod", "LineItem", 0, MANY),
        ("currency", "Currency", 0, 1), ("overallConsumptionLastPeriod", "SummaryMeasurement", 0, 1),
        *((name, "SummaryMeasurement", 0, 1) for name in (
            "currentBillingPeriodOverAllConsumption", "currentDayLastYearNetConsumption", "currentDayNetConsumption",
            "currentDayOverallConsumption", "peakDemand", "previousDayLastYearOverallConsumption",
            "previousDayNetConsumption", "previousDayOverallConsumption")),
        ("qualityOfReading", "QualityOfReading", 0, 1), ("ratchetDemand", "SummaryMeasurement", 0, 1),
        ("ratchetDemandPeriod", "DateTimeInterval", 0, 1), ("statusTimeStamp", "TimeType", 1, 1),
        ("commodity", "CommodityKind", 0, 1), ("tariffProfile", "String256", 0, 1), ("readCycle", "String256", 0, 1),
        ("tariffRiderRefs", "TariffRiderRefs", 0, 1), ("billingChargeSource", "BillingChargeSource", 0, 1)],
}
RESOURCES = ("UsagePoint", "LocalTimeParameters", "MeterReading", "ReadingType", "IntervalBlock", "UsageSummary")

# Atom: members in any order: name, type, least, most.
ATOM_STRUCTURES = {
    "feed": [("id", "uri", 1, 1), ("title", "text", 1, 1), ("updated", "instant", 1, 1), ("author", "person", 1, MANY),
             ("link", "link", 0, MANY), ("subtitle", "text", 0, 1), ("rights", "text", 0, 1),
             ("generator", "text", 0, 1), ("icon", "uri", 0, 1), ("logo", "uri", 0, 1), ("entry", "entry", 1, MANY)],
    "entry": [("id", "uri", 1, 1), ("title", "text", 1, 1), ("updated", "instant", 1, 1),
              ("published", "instant", 1, 1), ("link", "link", 2, MANY), ("content", "content", 1, 1),
              ("author", "person", 0, MANY), ("summary", "text", 0, 1), ("rights", "text", 0, 1)],
    "person": [("name", "text", 1, 1), ("uri", "uri", 0, 1), ("email", "text", 0, 1)],
}
# Attributes: those that must be there, and the others.
ATTRIBUTES = {"link": ({"href", "rel", "type"}, {"hreflang", "title", "length"}), "text": (set(), {"type"}),
              "content": (set(), {"type"})}
LINKS = ("self", "up", "related", "alternate")


def _blank(text):
    return not (text or "").strip()


def _attributes(element, kind, where):
    must, may = ATTRIBUTES.get(kind, (set(), set()))
    for name in must - set(element.attrib):
        yield f"{where}: no attribute {name}"
    for name in set(element.attrib) - must - may:
        yield f"{where}: attribute {name}"


def _only_children(element, where):
    if not _blank(element.text) or not all(_blank(child.tail) for child in element):
        yield f"{where}: text between members"


def _simple(element, kind, where):
    if len(element):
        yield f"{where}: members in a simple value"
    elif not SIMPLE[kind](element.text or ""):
        yield f"{where}: {element.text!r} is no {kind}"


def espi_faults(element, kind, where):
    """The children are the members of that structure, in their order, so often, of their types."""
    yield from _attributes(element, kind, where)
    if kind in SIMPLE:
        yield from _simple(element, kind, where)
        return
    yield from _only_children(element, where)
    at = 0
    for name, of, least, most in STRUCTURES[kind]:
        first = at
        while at < len(element) and element[at].tag == ESPI + name:
            yield from espi_faults(element[at], of, f"{where}/{name}")
            at += 1
        if at - first < least or (most is not None and at - first > most):
            yield f"{where}/{name}: {at - first} times"
    if at < len(element):
        yield f"{where}: {element[at].tag} is unknown or out of order"


def _content_faults(content, where):
    yield from _only_children(content, where)
    if content.get("type", "application/xml") not in ("application/xml", "xml", "text/xml"):
        yield f"{where}: type {content.get('type')}"
    if len(content) != 1 or content[0].tag.removeprefix(ESPI) not in RESOURCES:
        yield f"{where}: one resource of ESPI expected"
        return
    name = content[0].tag.removeprefix(ESPI)
    yield from espi_faults(content[0], name, name)


def _link_faults(link, where):
    if link.get("rel") not in LINKS:
        yield f"{where}: rel {link.get('rel')}"
    if not _any_uri(link.get("href", "")):
        yield f"{where}: href {link.get('href')!r}"
    if not _blank(link.text) or len(link):
        yield f"{where}: not empty"


def _runs_of_links(entry, where):
    """The schema wants links two and more together, although members of Atom have no order."""
    tags = "".join("l" if child.tag == ATOM + "link" else "." for child in entry)
    if any(len(run) == 1 for run in re.findall("l+", tags)):
        yield f"{where}: a link alone"


def atom_faults(element, kind="feed", where="feed"):
    yield from _attributes(element, kind, where)
    if kind == "link":
        yield from _link_faults(element, where)
    elif kind == "content":
        yield from _content_faults(element, where)
    elif kind in SIMPLE:
        yield from _simple(element, kind, where)
    elif kind == "text":
        if len(element) or element.get("type", "text") not in ("text", "html", "xhtml"):
            yield f"{where}: members in a text, or type {element.get('type')}"
    else:
        yield from _only_children(element, where)
        members = ATOM_STRUCTURES[kind]
        for name, _, least, most in members:
            n = len(element.findall(ATOM + name))
            if n < least or (most is not None and n > most):
                yield f"{where}/{name}: {n} times"
        yield from _runs_of_links(element, where) if kind == "entry" else ()
        kinds = {ATOM + name: (name, of) for name, of, _, _ in members}
        for child in element:
            if child.tag not in kinds:
                yield f"{where}: {child.tag}"
                continue
            name, of = kinds[child.tag]
            yield from atom_faults(child, of, f"{where}/{name}" if kind == "feed" else name)


def faults_of(root):
    """Of a whole file."""
    if root.tag != ATOM + "feed":
        yield f"no Atom feed, but {root.tag}"
        return
    yield from atom_faults(root)
