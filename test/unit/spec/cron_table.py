#!/usr/bin/env python3
"""cron_table.py - when schedules come, reckoned minute by minute with Python's zoneinfo, for test_cron_next.c.

    Z NAME PATH                  the lines that follow are of this zone
    S SCHEDULE                   and of this schedule
    W AFTER_S UNTIL_S S S S ...  it comes at these instants after the first and not after the second one

A scheduled local minute comes at the first instant at which the clock shows it or a later one; several at one instant are
one. Windows lie around the transitions of zone_table.py's hard zones, and over the years for schedules that come seldom.
"""
import datetime
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "base"))
import zone_table  # noqa: E402

import zoneinfo  # noqa: E402

# The day fields: both restricted is "one of them", a star (with a step, too) in one is "both".
DENSE = ["*/7 * * * *", "30 1-3 * * *", "0 * * * *", "15 2 * * *", "59 23 * * *", "0 0 * * *", "*/20 0,1,2,23 * * 0,5,6",
         "5 3 1-7 * *", "30 2 1-10,25-31 * sun", "0 0,12 */2 * mon,sat", "1 0 30,31 * *", "45 1,2 * 3,4,10,11 *"]
SELDOM = ["0 0 29 2 *", "0 0 13 * 5", "30 2 31 3 *", "0 12 29 2 */7", "0 0 31 */2 1", "0 4 1 1 *"]
NAMES = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


def values(text, low, high):
    found = set()
    for part in text.split(","):
        part, _, step = part.partition("/")
        if part == "*":
            first, last = low, high
        else:
            first, _, last = part.partition("-")
            first = NAMES.index(first) if first in NAMES else int(first)
            last = (NAMES.index(last) if last in NAMES else int(last)) if last else first
        found.update(range(first, last + 1, int(step or 1)))
    return found


class Schedule:
    def __init__(self, text):
        minute, hour, day, month, weekday = text.split()
        self.minutes, self.hours = values(minute, 0, 59), values(hour, 0, 23)
        self.days, self.months, self.weekdays = values(day, 1, 31), values(month, 1, 12), values(weekday, 0, 6)
        self.both = day[0] == "*" or weekday[0] == "*"

    def has_day(self, date):
        if date.month not in self.months:
            return False
        on = (date.day in self.days, date.isoweekday() % 7 in self.weekdays)
        return all(on) if self.both else any(on)


def instant(zone, text):
    kind, first, _ = zone_table.local_time(zone, text)
    if kind == "gap":
        shown = (zone_table.EPOCH + datetime.timedelta(seconds=first)).astimezone(zone)
        if shown.second:
            first += 60 - shown.second
    return first


def window(zone, schedule, after, until):
    date = (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=after)).date() - datetime.timedelta(days=2)
    last = (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=until)).date() + datetime.timedelta(days=2)
    found = set()
    while date <= last:
        if schedule.has_day(date):
            for hour in schedule.hours:
                for minute in schedule.minutes:
                    at = instant(zone, datetime.datetime(date.year, date.month, date.day, hour, minute))
                    if after < at <= until:
                        found.add(at)
        date += datetime.timedelta(days=1)
    print("W", after, until, *sorted(found))


def main():
    for name in zone_table.HARD:
        path = next((os.path.join(d, name) for d in zoneinfo.TZPATH if os.path.isfile(os.path.join(d, name))), None)
        if path is None:
            continue
        zone = zoneinfo.ZoneInfo(name)
        print("Z", name, path)
        for i, (at, _) in enumerate(t for t in zone_table.transitions(zone) if t[0] > 4 * 86400):
            text = DENSE[i % len(DENSE)]
            print("S", text)
            window(zone, Schedule(text), at - 100000, at + 100000)
        for text in SELDOM:
            print("S", text)
            window(zone, Schedule(text), 10 * 86400, 2000000000)


if __name__ == "__main__":
    main()
