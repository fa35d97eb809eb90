#!/usr/bin/env python3
"""make_archives.py DIR - writes hostile (and some honest) archives into DIR, and cases.txt: one line each,
NAME<tab>ok or a part of the refusal<tab>what it is."""
import binascii
import gzip
import io
import os
import struct
import sys
import zipfile
import zlib

OUT = sys.argv[1]
CASES = []


def case(name, data, expected, what):
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)
    CASES.append(f"{name}\t{expected}\t{what}\n")


# --- tar ---------------------------------------------------------------------------------------------------------

def header(name, size=0, kind=b"0", link=b"", mode=0o644, checksum=None, magic=b"ustar\x0000", prefix=b"", size_field=None):
    if isinstance(name, str):
        name = name.encode()
    h = bytearray(512)
    h[0:len(name)] = name
    h[100:108] = b"%07o\0" % mode
    h[108:116] = b"%07o\0" % 0
    h[116:124] = b"%07o\0" % 0
    h[124:136] = size_field or b"%011o\0" % size
    h[136:148] = b"%011o\0" % 0
    h[148:156] = b" " * 8
    h[156:157] = kind
    h[157:157 + len(link)] = link
    h[257:265] = magic
    h[329:337] = b"%07o\0" % 1
    h[337:345] = b"%07o\0" % 3
    h[345:345 + len(prefix)] = prefix
    h[148:156] = b"%06o\0 " % (sum(h) if checksum is None else checksum)
    return bytes(h)


def pad(data):
    return data + b"\0" * (-len(data) % 512)


def entry(name, data=b"", **kw):
    return header(name, len(data), **kw) + pad(data)


def pax_record(key, value):
    if isinstance(value, str):
        value = value.encode()
    body = b" " + key.encode() + b"=" + value + b"\n"
    n = len(body) + 1
    while len(str(n)) + len(body) != n:
        n = len(str(n)) + len(body)
    return str(n).encode() + body


def pax(records, kind=b"x"):
    return entry("PaxHeader", b"".join(pax_record(k, v) for k, v in records), kind=kind)


def gnu_long(name, kind=b"L"):
    return entry("././@LongLink", name + b"\0", kind=kind)


END = b"\0" * 1024
good = entry("dir/", kind=b"5", mode=0o755) + entry("dir/a.txt", b"hello\n") + entry("run", b"#!/bin/sh\n", mode=0o4755)


def tar(name, data, expected, what, end=END):
    case(name + ".tar", data + end, expected, what)


tar("good", good, "ok", "an honest tar")
tar("good-dot", entry("./", kind=b"5") + entry("./x/y", b"1"), "ok", "names that begin with ./")
tar("good-pax-long", pax([("path", "p" * 200 + "/" + "q" * 200)]) + entry("short", b"1"), "ok", "a long name in pax")
tar("good-gnu-long", gnu_long(b"g" * 200 + b"/" + b"h" * 200) + entry("short", b"1"), "ok", "a long name of GNU tar")
tar("good-utf8", pax([("path", "übung/日本.txt")]) + entry("x", b"1"), "ok", "names in UTF-8")
tar("good-raw-utf8", entry("übung.txt", b"1"), "ok", "a name in UTF-8 without pax")
tar("good-dir-twice", entry("d/", kind=b"5") * 2 + entry("d/f", b"1"), "ok", "a directory twice")
tar("good-padded", good, "ok", "zeros up to a tape block", END + b"\0" * 9216)
tar("good-setuid", entry("su", b"x", mode=0o6755), "ok", "setuid is dropped")
case("good.tar.gz", gzip.compress(good + END), "ok", "an honest tar.gz")
case("good.tgz", gzip.compress(good + END), "ok", "an honest tgz")
case("good.txt.gz", gzip.compress(b"one file\n"), "ok", "one file in gzip")
case("two-members.txt.gz", gzip.compress(b"one ") + gzip.compress(b"file\n"), "made of several parts", "gzip of two parts")

for i, (n, word) in enumerate([
        ("/etc/passwd", "is absolute"), ("//etc/passwd", "is absolute"), ("../evil", "holds \"..\""),
        ("a/../../evil", "holds \"..\""), ("a/..", "holds \"..\""), ("..", "holds \"..\""), ("a/../b", "holds \"..\""),
        ("./../evil", "holds \"..\""), (".//evil", "is absolute"), ("a//b", "has an empty component"), ("a/./b", "holds \".\""),
        ("a\\b", "holds a backslash"), ("..\\evil", "holds a backslash"), ("C:\\evil", "holds a backslash"),
        ("a\nb", "holds a control character"), ("a\x1b[31m", "holds a control character"), ("a\x7f", "holds a control character"),
        ("a\tb", "holds a control character")]):
    tar(f"name-{i}", entry(n, b"x"), word, f"the name {n!r}")
    tar(f"name-{i}-pax", pax([("path", n)]) + entry("innocent", b"x"), word, f"the name {n!r} in pax")
tar("name-empty", entry("", b"x"), "is empty", "an empty name")
tar("name-latin1", entry(b"caf\xe9", b"x"), "is not valid UTF-8", "a name in Latin-1")
tar("name-overlong", entry(b"a\xc0\xae\xc0\xae/x", b"x"), "is not valid UTF-8", "overlong dots")
tar("name-surrogate", entry(b"a\xed\xa0\x80", b"x"), "is not valid UTF-8", "a surrogate")
tar("name-prefix-dotdot", entry("evil", b"x", prefix=b".."), "holds \"..\"", ".. in the prefix field")
tar("name-gnu-dotdot", gnu_long(b"../" * 40 + b"evil") + entry("x", b"x"), "holds \"..\"", ".. in a GNU long name")
tar("name-256", gnu_long(b"n" * 256) + entry("x", b"x"), "has a name of more than 255 bytes", "a component of 256 bytes")
tar("name-255", gnu_long(b"n" * 255) + entry("x", b"x"), "ok", "a component of 255 bytes")
tar("path-4097", gnu_long(b"/".join([b"p" * 250] * 17)) + entry("x", b"x"), "has more than 4096 bytes", "a path of 4266 bytes")
tar("deep-65", gnu_long(b"/".join([b"d"] * 65)) + entry("x", b"x"), "is more than 64 levels deep", "65 levels")
tar("deep-64", gnu_long(b"/".join([b"d"] * 64)) + entry("x", b"x"), "ok", "64 levels")
tar("root-file", entry(".", b"x"), "is empty", "a file named .")

for kind, word, what in [(b"2", "is a symbolic link", "symlink"), (b"1", "is a hard link", "hardlink"),
                         (b"3", "is a device", "character device"), (b"4", "is a device", "block device"),
                         (b"6", "is a fifo", "fifo")]:
    tar(f"kind-{what.replace(' ', '-')}", entry("thing", kind=kind, link=b"/etc/passwd"), word, f"a {what}")
tar("symlink-then-file", entry("l", kind=b"2", link=b"/tmp") + entry("l/evil", b"x"), "is a symbolic link", "a file through a link")
tar("symlink-dotdot", entry("l", kind=b"2", link=b"..") + entry("l/evil", b"x"), "is a symbolic link", "a file through ..")
tar("symlink-self", entry("l", kind=b"2", link=b"l"), "is a symbolic link", "a link to itself")
tar("hardlink-etc", entry("shadow", kind=b"1", link=b"/etc/shadow") + entry("shadow", b"x"), "is a hard link", "writing through a hard link")
tar("hardlink-inside", entry("a", b"x") + entry("b", kind=b"1", link=b"a"), "is a hard link", "a hard link inside")
tar("pax-linkpath", pax([("linkpath", "/etc/shadow")]) + entry("l", kind=b"2", link=b"x"), "is a symbolic link", "the target in pax")

tar("twice", entry("a", b"1") + entry("a", b"2"), "is there twice", "a name twice")
tar("twice-dot", entry("a", b"1") + entry("./a", b"2"), "is there twice", "a name twice, once with ./")
tar("file-then-below", entry("a", b"1") + entry("a/b", b"2"), "is both a file and a directory", "a file below a file")
tar("dir-then-file", entry("a/b", b"1") + entry("a", b"2"), "is both a file and a directory", "a file in place of a directory")
tar("case-files", entry("README", b"1") + entry("readme", b"2"), "differs only in case", "two cases of a file")
tar("case-dirs", entry("Dir/a", b"1") + entry("dir/b", b"2"), "differs only in case", "two cases of a directory")
tar("case-other", entry("É", b"1") + entry("é", b"2"), "ok", "only ASCII is folded")

tar("many", b"".join(entry(f"f{i}") for i in range(301)), "it makes more than 300 files and directories", "too many files")
tar("many-dirs", b"".join(gnu_long(b"/".join([b"%d-%d" % (i, k) for k in range(60)])) + entry("x") for i in range(6)),
    "it makes more than 300 files and directories", "too many directories, by few files")
tar("big-claim", header("big", size=8 << 30) + b"x" * 512, "goes beyond the bytes that may be unpacked", "a size of 8 GiB")
tar("big-base256", header("big", size_field=b"\x80" + b"\0" * 3 + struct.pack(">Q", 1 << 60)) + b"x" * 512,
    "goes beyond the bytes", "a size of 2^60 in base 256")
tar("big-negative", header("big", size_field=b"\xff" * 12) + b"x" * 512, "", "a negative size")
tar("pax-size", pax([("size", str(1 << 62))]) + entry("x", b"x"), "goes beyond the bytes", "a size of 2^62 in pax")
tar("sparse-bomb", pax([("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "s"),
                        ("GNU.sparse.realsize", str(1 << 40))]) +
    entry("s", pad(b"1\n0\n1\n") + b"x" * 512), "goes beyond the bytes", "a sparse file of 1 TiB")
old_sparse = bytearray(header("s", size=512, kind=b"S", magic=b"ustar  \0"))
old_sparse[386:410] = b"%011o\0%011o\0" % (0, 512)
old_sparse[483:495] = b"%011o\0" % (1 << 32)
old_sparse[148:156] = b" " * 8
old_sparse[148:156] = b"%06o\0 " % sum(old_sparse)
tar("sparse-old", bytes(old_sparse) + b"x" * 512, "goes beyond the bytes", "a sparse file of 4 GiB, the old way")
case("bomb.tar.gz", gzip.compress(header("zeros", size=24 << 20) + b"\0" * (24 << 20) + END), "a bomb", "24 MiB of zeros")
case("bomb.txt.gz", gzip.compress(b"\0" * (64 << 20)), "a bomb", "64 MiB of zeros, one file")
case("bomb-headers.tar.gz", gzip.compress(pax([("comment", "x" * (60 << 20))]) + entry("a") + END), "", "a pax header of 60 MiB")

tar("checksum-first", entry("a", b"x", checksum=1), "damaged or cut", "a wrong checksum in the first header")
tar("checksum-later", entry("a", b"x") + entry("b", b"x", checksum=1), "damaged or cut", "a wrong checksum later")
tar("garbage-behind", good, "something stands behind its end", "garbage behind the end", END + b"garbage")
tar("tar-behind", good, "something stands behind its end", "another tar behind the end", END + entry("hidden", b"x") + END)
tar("no-end", good, "its end is missing", "no end at all", b"")
tar("no-end-zeros", entry("z", b"\0" * 2048), "its end is missing", "no end, but zeros as content", b"")
for cut in (1, 100, 511, 513, 1024, 1027, 1536, 1600, 2047):
    case(f"cut-{cut}.tar", (good + END)[:cut], "", f"cut after {cut} bytes")
tar("pax-nul", pax([("path", b"innocent\0/../../evil")]) + entry("x", b"x"), "ok", "a NUL in a pax path ends it")
tar("pax-broken", entry("PaxHeader", b"99999 path=x\n", kind=b"x") + entry("a", b"x"), "", "a pax record longer than its header")
tar("pax-global-path", pax([("path", "../evil")], kind=b"g") + entry("a", b"x"), "ok", "a global pax path is of no entry")
case("empty.tar", b"", "it is empty", "nothing at all")
case("zeros.tar", b"\0" * 10240, "ok", "an empty tar")
case("random.tar", bytes((i * 7919 + (i >> 3)) & 0xff for i in range(1, 5000)), "damaged or cut", "no archive")
case("text.zip", b"this is not a zip", "damaged or cut", "a text called zip")
case("elf.tar", b"\x7fELF" + b"\0" * 2000, "damaged or cut", "a program")
for magic, what in [(b"7z\xbc\xaf\x27\x1c", "7z"), (b"Rar!\x1a\x07\0", "rar"), (b"\xfd7zXZ\0", "xz"), (b"BZh9", "bzip2"),
                    (b"\x28\xb5\x2f\xfd", "zstd"), (b"070701", "cpio"), (b"!<arch>\n", "ar"), (b"MSCF", "cab"), (b"\x04\"M\x18", "lz4")]:
    case(f"other-{what}.tar", magic + b"\0" * 1000, "damaged or cut", f"the format {what}")

# --- gzip --------------------------------------------------------------------------------------------------------

gz = gzip.compress(good + END)
for cut in (2, 9, 10, 30, len(gz) - 9, len(gz) - 4, len(gz) - 1):
    case(f"cut-{cut}.tar.gz", gz[:cut], "", f"gzip cut after {cut} bytes")
case("garbage.tar.gz", gz + b"garbage", "something stands behind its end", "garbage behind gzip")
case("hidden-member.txt.gz", gzip.compress(b"seen") + b"\0\0" + gzip.compress(b"hidden"), "something stands behind its end", "a second member behind zeros")
case("crc.tar.gz", gz[:-8] + b"\1\2\3\4" + gz[-4:], "checksum is wrong", "a wrong CRC in gzip")
case("flipped.tar.gz", gz[:20] + bytes([gz[20] ^ 0xff]) + gz[21:], "", "a flipped byte in gzip")
case("double.tar.gz", gzip.compress(gz), "is compressed more than once", "gzip in gzip")
case("not-tar.tar.gz", gzip.compress(b"no tar" * 500), "damaged or cut", "no tar in the gzip")


# --- zip ---------------------------------------------------------------------------------------------------------

def local(name, data=b"", method=0, flags=0, crc=None, packed=None, unpacked=None, extra=b""):
    raw = data if method == 0 else deflate(data)
    return struct.pack("<IHHHHHIIIHH", 0x04034b50, 20, flags, method, 0, 0x21, zlib.crc32(data) if crc is None else crc,
                       len(raw) if packed is None else packed, len(data) if unpacked is None else unpacked,
                       len(name), len(extra)) + name + extra + raw


def deflate(data):
    c = zlib.compressobj(9, zlib.DEFLATED, -15)
    return c.compress(data) + c.flush()


def central(name, data=b"", method=0, flags=0, offset=0, crc=None, packed=None, unpacked=None, extra=b"", mode=0o100644, system=3, disk=0):
    raw = data if method == 0 else deflate(data)
    return struct.pack("<IBBHHHHHIIIHHHHHII", 0x02014b50, 30, system, 20, flags, method, 0, 0x21,
                       zlib.crc32(data) if crc is None else crc, len(raw) if packed is None else packed,
                       len(data) if unpacked is None else unpacked, len(name), len(extra), 0, disk, 0, mode << 16, offset) + name + extra


def end(n, size, offset, comment=b"", disk=0, total=None):
    return struct.pack("<IHHHHIIH", 0x06054b50, disk, disk, n, n if total is None else total, size, offset, len(comment)) + comment


def zipped(entries, comment=b""):
    body, directory = b"", b""
    for name, data, kw in entries:
        name = name.encode() if isinstance(name, str) else name
        l = {k: v for k, v in kw.items() if k in ("method", "flags", "crc", "packed", "unpacked")}
        directory += central(name, data, offset=len(body), **kw)
        body += local(name, data, **l)
    return body + directory + end(len(entries), len(directory), len(body), comment)


def z(name, entries, expected, what):
    case(name + ".zip", zipped(entries), expected, what)


honest = io.BytesIO()
with zipfile.ZipFile(honest, "w", zipfile.ZIP_DEFLATED) as f:
    f.writestr("dir/a.txt", "hello\n" * 100)
    f.writestr("übung.txt", "x")
    f.writestr("stored", "y", zipfile.ZIP_STORED)
honest = honest.getvalue()
case("good.zip", honest, "ok", "an honest zip")
z("good-own", [("a", b"1", {}), ("d/", b"", {"mode": 0o40755}), ("d/b", b"2" * 1000, {"method": 8})], "ok", "a zip made by hand")
case("good-comment.zip", zipped([("a", b"1", {})], b"a comment"), "ok", "a zip with a comment")
case("good-empty.zip", end(0, 0, 0), "ok", "an empty zip")
streamed = io.BytesIO()


class NoSeek(io.RawIOBase):
    def writable(self):
        return True

    def write(self, b):
        streamed.write(b)
        return len(b)


with zipfile.ZipFile(NoSeek(), "w", zipfile.ZIP_DEFLATED) as f:
    f.writestr("streamed.txt", "hello\n" * 100)
case("good-streamed.zip", streamed.getvalue(), "ok", "a zip written to a pipe: sizes behind the data")
big64 = io.BytesIO()
with zipfile.ZipFile(big64, "w") as f:
    with f.open("sixty-four", "w", force_zip64=True) as g:
        g.write(b"hello")
case("good-zip64.zip", big64.getvalue(), "ok", "an entry with sizes of 64 bits")

for i, (n, word) in enumerate([
        (b"/etc/passwd", "is absolute"), (b"../evil", "holds \"..\""), (b"a/../../evil", "holds \"..\""), (b"..\\evil", "holds a backslash"),
        (b"a\\..\\..\\evil", "holds a backslash"), (b"C:\\evil", "holds a backslash"), (b"", "is empty"), (b"a\0.txt", "holds a NUL byte"),
        (b"a\r\n", "holds a control character"), (b"caf\xe9", "is not valid UTF-8"), (b"a//b", "has an empty component"),
        (b"a/./b", "holds \".\""), (b"n" * 256, "has a name of more than 255 bytes"), (b"/".join([b"d"] * 65), "is more than 64 levels deep"),
        (b"/".join([b"p" * 250] * 17), "has more than 4096 bytes"), (b"/", "is absolute"), (b"../", "holds \"..\"")]):
    z(f"zip-name-{i}", [(n, b"x", {})], word, f"the name {n[:40]!r} in a zip")
z("zip-dos-backslash", [(b"a\\b", b"x", {"system": 0})], "holds a backslash", "a backslash made by DOS")
z("zip-symlink", [("l", b"/etc/passwd", {"mode": 0o120777})], "is a symbolic link", "a symlink in a zip")
z("zip-symlink-file", [("l", b"..", {"mode": 0o120777}), ("l/evil", b"x", {})], "is a symbolic link", "a file through a link in a zip")
z("zip-device", [("d", b"", {"mode": 0o20666})], "is neither a file nor a directory", "a device in a zip")
z("zip-fifo", [("d", b"", {"mode": 0o10666})], "is neither a file nor a directory", "a fifo in a zip")
z("zip-setuid", [("su", b"x", {"mode": 0o104755})], "ok", "setuid in a zip is dropped")
z("zip-twice", [("a", b"1", {}), ("a", b"2", {})], "is there twice", "a name twice in a zip")
z("zip-case", [("A", b"1", {}), ("a", b"2", {})], "differs only in case", "two cases in a zip")
z("zip-file-dir", [("a", b"1", {}), ("a/b", b"2", {})], "is both a file and a directory", "file and directory in a zip")
z("zip-encrypted", [("a", b"x" * 20, {"flags": 1})], "is encrypted", "an encrypted entry")
z("zip-strong", [("a", b"x" * 20, {"flags": 0x41})], "is encrypted", "strong encryption")
z("zip-masked", [("a", b"x" * 20, {"flags": 0x2000})], "is encrypted", "a masked header")
for m in (1, 6, 9, 12, 14, 93, 95, 98, 99):
    body = local(b"a", b"x").replace(struct.pack("<HHH", 20, 0, 0), struct.pack("<HHH", 20, 0, m), 1)
    directory = central(b"a", b"x").replace(struct.pack("<HHH", 20, 0, 0), struct.pack("<HHH", 20, 0, m), 1)
    case(f"zip-method-{m}.zip", body + directory + end(1, len(directory), len(body)), "is compressed in a way", f"compression method {m}")
z("zip-crc", [("a", b"x", {"crc": 1})], "", "a wrong CRC")
z("zip-crc-deflated", [("a", b"x" * 100, {"crc": 1, "method": 8})], "", "a wrong CRC, deflated")
z("zip-size-small", [("a", b"x" * 1000, {"method": 8, "unpacked": 10})], "", "more data than the directory says")
z("zip-size-large", [("a", b"x" * 1000, {"method": 8, "unpacked": 100000})], "", "less data than the directory says")
z("zip-stored-two-sizes", [("a", b"x" * 10, {"unpacked": 100})], "has two sizes", "stored with two sizes")
z("zip-claims", [("a", b"x", {"method": 8, "unpacked": 0xfffffffe})], "goes beyond the bytes", "4 GiB claimed")
z("zip-longer", [("a", b"x" * 10, {"packed": 100000, "unpacked": 100000})], "is longer than the zip", "packed data beyond the end")
z("zip-bomb", [("a", b"\0" * (24 << 20), {"method": 8})], "a bomb", "24 MiB of zeros")
z("zip-bomb-lie", [("a", b"\0" * (40 << 20), {"method": 8, "unpacked": 1000})], "", "40 MiB of zeros that claim 1,000 bytes")
z("zip-many", [(f"f{i}", b"", {}) for i in range(301)], "more than 300 entries", "too many entries")

one = local(b"a", b"x" * 100)
for what, second, offset in [("same", b"b", 0), ("half", b"b", 20)]:
    directory = central(b"a", b"x" * 100) + central(second, b"x" * 100, offset=offset)
    case(f"zip-overlap-{what}.zip", one + directory + end(2, len(directory), len(one)), "", f"overlapping entries ({what})")
kernel = local(b"f", b"\0" * (1 << 20), method=8)
directory = b"".join(central(b"f", b"\0" * (1 << 20), method=8) for i in range(200))
case("zip-overlap-all.zip", kernel + directory + end(200, len(directory), len(kernel)), "", "200 entries over one kernel")
inner = local(b"b", b"y" * 50)
outer = local(b"a", inner + b"z" * 10)
directory = central(b"a", inner + b"z" * 10) + central(b"b", b"y" * 50, offset=31)
case("zip-nested-headers.zip", outer + directory + end(2, len(directory), len(outer)), "overlaps another one", "an entry inside of another")

body = local(b"seen.txt", b"x")
directory = central(b"evil.txt", b"x")
case("zip-two-names.zip", body + directory + end(1, len(directory), len(body)), "has another name in its own header", "two names of an entry")
directory = central(b"seen", b"x")
case("zip-two-lengths.zip", body + directory + end(1, len(directory), len(body)), "has another name in its own header", "two lengths of a name")
directory = central(b"seen.txt", b"x", offset=5)
case("zip-bad-offset.zip", body + directory + end(1, len(directory), len(body)), "is not where", "a wrong offset")
directory = central(b"seen.txt", b"x", offset=1 << 30)
case("zip-far-offset.zip", body + directory + end(1, len(directory), len(body)), "", "an offset behind the end")
directory = central(b"seen.txt", b"x")
case("zip-wrong-count.zip", body + directory + end(2, len(directory), len(body)), "fewer entries than it says", "one entry too few")
case("zip-wrong-count-0.zip", body + directory + end(0, len(directory), len(body)), "more entries than it says", "no entry announced")
case("zip-wrong-size.zip", body + directory + end(1, len(directory) - 1, len(body)), "is not where its end says", "a directory that is too short")
case("zip-wrong-place.zip", body + directory + end(1, len(directory), len(body) + 1), "is not where its end says", "a directory at another place")
case("zip-prefix.zip", b"#!/bin/sh\n" + body + directory + end(1, len(directory), len(body)), "damaged or cut", "a script in front of a zip")
case("zip-prefix-pk.zip", b"PK\3\4" + body + directory + end(1, len(directory), len(body)), "is not where its end says", "a false start in front")
case("zip-trailing.zip", zipped([("a", b"1", {})]) + b"garbage", "something stands behind its end", "garbage behind a zip")
case("zip-comment-zip.zip", zipped([("seen", b"1", {})], zipped([("hidden", b"2", {})])), "is not where its end says", "a zip in a zip's comment")
case("zip-multidisk.zip", body + directory + end(1, len(directory), len(body), disk=1), "one part of several", "a part of several")
case("zip-two-totals.zip", body + directory + end(1, len(directory), len(body), total=2), "one part of several", "two totals")
case("zip-no-directory.zip", body, "cut, or something", "no directory")
good_zip = zipped([("a", b"1" * 100, {}), ("b", b"2" * 100, {"method": 8})])
for cut in (4, 20, 100, 150, len(good_zip) - 60, len(good_zip) - 22, len(good_zip) - 1):
    case(f"zip-cut-{cut}.zip", good_zip[:cut], "", f"a zip cut after {cut} bytes")

# zip64
extra = struct.pack("<HHQQ", 1, 16, 1 << 40, 1)
directory = central(b"a", b"x", packed=0xffffffff, unpacked=0xffffffff, extra=extra)
body = local(b"a", b"x")
case("zip64-claims.zip", body + directory + end(1, len(directory), len(body)), "", "1 TiB claimed in 64 bits")
directory = central(b"a", b"x", packed=0xffffffff, unpacked=0xffffffff)
case("zip64-missing.zip", body + directory + end(1, len(directory), len(body)), "sizes for 64 bits that are missing", "no extra field for 64 bits")
directory = central(b"a", b"x")
case("zip64-no-locator.zip", body + directory + end(0xffff, 0xffffffff, 0xffffffff), "not the record for them", "no record for 64 bits")


def end64(n, size, offset, at, locator_at=None, record_size=44):
    return struct.pack("<IQHHIIQQQQ", 0x06064b50, record_size, 45, 45, 0, 0, n, n, size, offset) + \
        struct.pack("<IIQI", 0x07064b50, 0, at if locator_at is None else locator_at, 1)


at = len(body) + len(directory)
case("good-zip64-end.zip", body + directory + end64(1, len(directory), len(body), at) + end(0xffff, 0xffffffff, 0xffffffff), "ok", "records of 64 bits")
case("zip64-lies-place.zip", body + directory + end64(1, len(directory), len(body), at, 3) + end(0xffff, 0xffffffff, 0xffffffff),
     "does not agree with itself", "a locator that leads elsewhere")
case("zip64-lies-count.zip", body + directory + end64(1 << 60, len(directory), len(body), at) + end(0xffff, 0xffffffff, 0xffffffff),
     "more than 300 entries", "2^60 entries")
case("zip64-lies-size.zip", body + directory + end64(1, 1 << 60, len(body), at) + end(0xffff, 0xffffffff, 0xffffffff),
     "is not where its end says", "a directory of 2^60 bytes")
case("zip64-far-locator.zip", body + directory + end64(1, len(directory), len(body), at, 1 << 62) + end(0xffff, 0xffffffff, 0xffffffff),
     "is cut, or says more", "a locator behind the end")

# archives in archives are files
level = zipped([("0.zip", zipped([("zeros", b"\0" * (1 << 20), {"method": 8})]), {"method": 8})])
for i in range(1, 5):
    level = zipped([(f"{k}.zip", level, {"method": 8}) for k in range(16)])
case("nested-42.zip", level, "ok", "42.zip style: archives in archives stay files")
tar("nested-quine", entry("quine.tar", good), "ok", "a tar in a tar stays a file")
unicode_path = struct.pack("<HHBI", 0x7075, 5 + 7, 1, binascii.crc32(b"seen.txt")) + b"../evil"
directory = central(b"seen.txt", b"x", extra=unicode_path)
body = local(b"seen.txt", b"x", extra=unicode_path)
case("zip-unicode-path.zip", body + directory + end(1, len(directory), len(body)), "holds \"..\"", "another name in the Unicode extra field")

with open(os.path.join(OUT, "cases.txt"), "w", encoding="utf-8") as f:
    f.writelines(CASES)
