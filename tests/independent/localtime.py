"""Local days, kinds of day, seasons and posts (docs/tariff.md, Days, seasons, posts)."""

import datetime
from zoneinfo import ZoneInfo

DAY_GROUPS = {
    "working": {"working"}, "saturday": {"saturday"}, "sunday": {"sunday"}, "holiday": {"holiday"},
    "weekend": {"saturday", "sunday"},
    "rest": {"saturday", "sunday", "holiday"},
    "every": {"working", "saturday", "sunday", "holiday"},
}


def as_list(value):
    return value if isinstance(value, list) else [value]


def minutes_of(text):
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def hour_ranges(value):
    """`18:00-21:00`, or a list of such, as [(first minute, end minute)]."""
    return [tuple(minutes_of(end) for end in text.split("-")) for text in as_list(value)]


def in_ranges(minute, ranges):
    return any(first <= minute < end for first, end in ranges)


def easter(year):
    """Easter Sunday, Gregorian calendar (Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    j = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * j) // 451
    month, day = divmod(h + j - 7 * m + 114, 31)
    return datetime.date(year, month, day + 1)


def is_holiday(day, holidays):
    for text in holidays:
        if text.startswith("easter"):
            if day == easter(day.year) + datetime.timedelta(days=int(text[6:] or 0)):
                return True
        elif text in (day.isoformat(), day.strftime("%m-%d")):
            return True
    return False


class Calendar:
    """Clock, days and posts of one tariff."""

    def __init__(self, head):
        self.zone = ZoneInfo(head["zone"])
        self.holidays = head.get("holidays", [])
        self.seasons = [(s["from"], s["name"]) for s in head.get("seasons", [])]
        self.post_names = [post["name"] for post in head["posts"]]
        self.rules = [(post["name"], rule) for post in head["posts"] for rule in as_list(post.get("when", []))]
        rest = [post["name"] for post in head["posts"] if "when" not in post]
        self.rest_post = rest[0]
        self._kinds, self._posts = {}, {}

    def local(self, instant):
        """Local day and minute of the clock."""
        then = datetime.datetime.fromtimestamp(instant, self.zone)
        return then.date(), then.hour * 60 + then.minute

    def begin_of(self, day):
        """Instant at which a local day begins; where midnight does not exist, that of the change."""
        midnight = datetime.datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return int(midnight.timestamp())

    def kind(self, day):
        if day not in self._kinds:
            by_week = "working" if day.weekday() < 5 else ("saturday", "sunday")[day.weekday() - 5]
            self._kinds[day] = "holiday" if is_holiday(day, self.holidays) else by_week
        return self._kinds[day]

    def season(self, day):
        """The last that has begun in this year; before the first of the year the last of all."""
        if not self.seasons:
            return None
        begun = [name for begin, name in self.seasons if begin <= day.strftime("%m-%d")]
        return begun[-1] if begun else self.seasons[-1][1]

    def post(self, day, minute):
        key = (self.kind(day), self.season(day), minute)
        if key not in self._posts:
            self._posts[key] = self._find_post(*key)
        return self._posts[key]

    def _find_post(self, kind, season, minute):
        for name, rule in self.rules:
            days = set().union(*(DAY_GROUPS[d] for d in as_list(rule.get("days", "every"))))
            seasons = as_list(rule.get("seasons", season))
            hours = hour_ranges(rule.get("hours", "00:00-24:00"))
            if kind in days and season in seasons and in_ranges(minute, hours):
                return name
        return self.rest_post
