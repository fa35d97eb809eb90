#!/usr/bin/env python3
"""zone_table.py - what Python's zoneinfo says of every time zone of this machine, for test_zone.c.

    Z NAME PATH                          the lines that follow are of this zone
    T UTC_S OFFSET_S                     from this instant on the clock is so far east of UTC
    L YEAR MONTH DAY HOUR MINUTE SECOND KIND FIRST_S SECOND_S
                                         when the clock shows this: once, gap (FIRST_S: its end), twice

Transitions from 1970 to 2050 are found by looking at the offset once a week and halving; around those of the
hard zones, local times are asked.
"""
import datetime
import os
import zoneinfo

UTC = datetime.timezone.utc
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = 0, 2524608000  # 2050-01-01: tables end in 2037 at the latest, or in 2087 where the moon decides
WEEK = 7 * 86400

# Whole days left out, half hours, months of fasting, changes at midnight, offsets with seconds, two hours at once.
HARD = ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Tehran", "Africa/Casablanca", "Africa/El_Aaiun",
        "Pacific/Apia", "Antarctica/Troll", "Africa/Monrovia", "Europe/Dublin", "America/Nuuk", "Asia/Gaza", "Africa/Cairo",
        "Pacific/Kwajalein", "America/Sao_Paulo", "Asia/Pyongyang", "Europe/London", "America/New_York", "Asia/Kathmandu",
        "Pacific/Chatham", "Asia/Beirut", "America/Asuncion", "Antarctica/Casey", "America/Caracas", "UTC"]


def offset(zone, utc_s):
    at = (EPOCH + datetime.timedelta(seconds=utc_s)).astimezone(zone)
    return int(at.utcoffset().total_seconds())


def transitions(zone):
    last = offset(zone, FIRST)
    for low in range(FIRST, LAST, WEEK):
        high = low + WEEK
        while offset(zone, high) != last:
            a, b = low, high
            while b - a > 1:
                mid = (a + b) // 2
                if offset(zone, mid) == last:
                    a = mid
                else:
                    b = mid
            last = offset(zone, b)
            yield b, last
            low = b


def local_time(zone, text):
    """Kind and instants by PEP 495: both folds, and whether they come back."""
    seconds = []
    for fold in 0, 1:
        there = text.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        seconds.append(int((there - EPOCH).total_seconds()))
    back = (EPOCH + datetime.timedelta(seconds=seconds[0])).astimezone(zone).replace(tzinfo=None, fold=0)
    if back != text:
        low, high = min(seconds), max(seconds)  # the gap ends between them
        before = offset(zone, low)
        while high - low > 1:
            mid = (low + high) // 2
            low, high = (mid, high) if offset(zone, mid) == before else (low, mid)
        return "gap", high, high
    if seconds[0] == seconds[1]:
        return "once", seconds[0], seconds[0]
    return "twice", seconds[0], seconds[1]


def main():
    names = sorted(zoneinfo.available_timezones() - {"Factory"})
    seen = set()
    for name in HARD + names:
        path = next((os.path.join(d, name) for d in zoneinfo.TZPATH if os.path.isfile(os.path.join(d, name))), None)
        if path is None:
            continue
        with open(path, "rb") as f:
            data = f.read()
        if data in seen:  # a link: another name of the same zone
            continue
        seen.add(data)
        zone = zoneinfo.ZoneInfo(name)
        print("Z", name, path)
        print("T", FIRST, offset(zone, FIRST))
        for at, after in transitions(zone):
            print("T", at, after)
            if name not in HARD or at < 2 * 86400:
                continue
            for clock in offset(zone, at - 1), after:
                for step in -86400, -3601, -1800, -1, 0, 1, 1800, 3599, 3600:
                    text = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=at + clock + step)
                    kind, first, second = local_time(zone, text)
                    print("L", text.year, text.month, text.day, text.hour, text.minute, text.second, kind, first, second)


if __name__ == "__main__":
    main()
