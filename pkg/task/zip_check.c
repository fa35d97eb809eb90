/* task/zip_check.c - see zip_check.h. */
#include "task/zip_check.h"

#include <endian.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"

#define LOCAL_SIGNATURE 0x04034b50u
#define ENTRY_SIGNATURE 0x02014b50u
#define END_SIGNATURE 0x06054b50u
#define END64_SIGNATURE 0x06064b50u
#define LOCATOR64_SIGNATURE 0x07064b50u

#define LOCAL_BYTES 30u
#define ENTRY_BYTES 46u
#define END_BYTES 22u
#define END64_BYTES 56u
#define LOCATOR64_BYTES 20u
#define COMMENT_MAX 65535u
#define DIRECTORY_MAX_BYTES (UINT64_C(64) << 20)

#define FLAGS_ENCRYPTED (1u << 0 | 1u << 6 | 1u << 13)
#define METHOD_STORED 0u
#define METHOD_DEFLATED 8u
#define EXTRA_ZIP64 1u
#define SYSTEM_UNIX 3

/* Where the directory is, as the end record says. */
struct directory {
        uint64_t offset, bytes, n_entries;
        uint64_t end; /* where the first end record begins */
};

struct entry {
        const char *name;
        size_t name_len;
        unsigned flags, method, extra_len;
        unsigned mode;                     /* of Unix; 0: another system made it */
        uint64_t packed, unpacked, offset; /* of the local header */
        uint64_t end;                      /* behind the packed data */
};

struct zip {
        int fd;
        uint64_t size;
        struct hv_err *err;
        char *text; /* the directory */
        struct entry *entries;
        size_t n_entries;
};

static unsigned get16(const char *p) {
        uint16_t v;

        memcpy(&v, p, sizeof v);
        return le16toh(v);
}

static uint32_t get32(const char *p) {
        uint32_t v;

        memcpy(&v, p, sizeof v);
        return le32toh(v);
}

static uint64_t get64(const char *p) {
        uint64_t v;

        memcpy(&v, p, sizeof v);
        return le64toh(v);
}

static int read_at(const struct zip *z, uint64_t at, void *buf, size_t len) {
        size_t done = 0;

        if (at > z->size || len > z->size - at)
                return hv_err_set(z->err, -EBADMSG, "the zip is cut, or says more than it holds");
        while (done < len) {
                ssize_t n = pread(z->fd, (char *) buf + done, len - done, (off_t) (at + done));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return hv_err_errno(z->err, n < 0 ? -errno : -EIO, "the zip cannot be read");
                done += (size_t) n;
        }
        return 0;
}

static int refuse(const struct zip *z, const struct entry *e, const char *what) {
        _hv_cleanup_free_ char *name = hv_strndup(e->name, e->name_len);
        char quoted[HV_TEXT_QUOTE_SIZE];

        return hv_err_set(z->err, -EBADMSG, "entry %s %s", hv_text_quote(name, quoted), what);
}

/* --- the end records --- */

static int read_end64(const struct zip *z, uint64_t end, struct directory *ret) {
        char locator[LOCATOR64_BYTES], record[END64_BYTES];
        uint64_t at;
        int r;

        if (end < LOCATOR64_BYTES)
                return hv_err_set(z->err, -EBADMSG, "the zip has no directory");
        r = read_at(z, end - LOCATOR64_BYTES, locator, sizeof locator);
        if (r < 0)
                return r;
        if (get32(locator) != LOCATOR64_SIGNATURE || get32(locator + 4) != 0 || get32(locator + 16) > 1)
                return hv_err_set(z->err, -EBADMSG,
                                  "the zip has sizes for 64 bits, but not the record for them");
        at = get64(locator + 8);
        r = read_at(z, at, record, sizeof record);
        if (r < 0)
                return r;
        if (get32(record) != END64_SIGNATURE || get64(record + 4) != end - LOCATOR64_BYTES - at - 12 ||
            get32(record + 16) != 0 || get32(record + 20) != 0 || get64(record + 24) != get64(record + 32))
                return hv_err_set(z->err, -EBADMSG,
                                  "the zip's record for 64 bits does not agree with itself");
        *ret = (struct directory){ .n_entries = get64(record + 32),
                                   .bytes = get64(record + 40),
                                   .offset = get64(record + 48),
                                   .end = at };
        return 0;
}

static int read_end(const struct zip *z, struct directory *ret) {
        size_t len = (size_t) HV_MIN(z->size, (uint64_t) END_BYTES + COMMENT_MAX), at;
        _hv_cleanup_free_ char *tail = hv_malloc(len + 1);
        const char *p;
        int r;

        r = read_at(z, z->size - len, tail, len);
        if (r < 0)
                return r;
        for (at = len < END_BYTES ? 0 : len - END_BYTES + 1; at > 0; at--) {
                p = tail + at - 1;
                if (get32(p) == END_SIGNATURE && at - 1 + END_BYTES + get16(p + 20) == len)
                        break;
        }
        if (at == 0)
                return hv_err_set(z->err, -EBADMSG, "the zip is cut, or something stands behind its end");
        p = tail + at - 1;
        if (get16(p + 4) != 0 || get16(p + 6) != 0 || get16(p + 8) != get16(p + 10))
                return hv_err_set(z->err, -EBADMSG, "the zip is one part of several");
        *ret = (struct directory){ .n_entries = get16(p + 10),
                                   .bytes = get32(p + 12),
                                   .offset = get32(p + 16),
                                   .end = z->size - len + at - 1 };
        if (ret->n_entries == UINT16_MAX || ret->bytes == UINT32_MAX || ret->offset == UINT32_MAX)
                return read_end64(z, ret->end, ret);
        return 0;
}

/* --- the directory --- */

/* Sizes that do not fit into 32 bits stand in an extra field, in this order, and only those. */
static int read_zip64(const struct zip *z, struct entry *e, const char *extra) {
        uint64_t *const wanted[] = { e->unpacked == UINT32_MAX ? &e->unpacked : NULL,
                                     e->packed == UINT32_MAX ? &e->packed : NULL,
                                     e->offset == UINT32_MAX ? &e->offset : NULL };
        const char *end = extra + e->extra_len, *p = NULL;
        unsigned left = 0;

        for (const char *at = extra; end - at >= 4 && end - at - 4 >= get16(at + 2); at += 4 + get16(at + 2))
                if (get16(at) == EXTRA_ZIP64 && !p) {
                        p = at + 4;
                        left = get16(at + 2);
                }
        for (size_t i = 0; i < HV_ARRAY_SIZE(wanted); i++) {
                if (!wanted[i])
                        continue;
                if (left < 8)
                        return refuse(z, e, "has sizes for 64 bits that are missing");
                *wanted[i] = get64(p);
                p += 8;
                left -= 8;
        }
        return 0;
}

/* The name as it stands, before any reader makes something else of it. */
static int check_name(const struct zip *z, const struct entry *e) {
        size_t len = e->name_len;
        const char *fault;

        if (len > 1 && e->name[len - 1] == '/')
                len--;
        fault = hv_beneath_fault(e->name, len);
        return fault ? refuse(z, e, fault) : 0;
}

static int check_entry(const struct zip *z, const struct entry *e) {
        int r = check_name(z, e);

        if (r < 0)
                return r;
        if (S_ISLNK(e->mode))
                return refuse(z, e, "is a symbolic link");
        if ((e->mode & S_IFMT) && !S_ISREG(e->mode) && !S_ISDIR(e->mode))
                return refuse(z, e, "is neither a file nor a directory");
        if (e->flags & FLAGS_ENCRYPTED)
                return refuse(z, e, "is encrypted");
        if (e->method != METHOD_STORED && e->method != METHOD_DEFLATED)
                return refuse(z, e,
                              "is compressed in a way that is not taken (only stored and deflated are)");
        if (e->method == METHOD_STORED && e->packed != e->unpacked)
                return refuse(z, e, "is stored, but has two sizes");
        return 0;
}

static int read_entries(struct zip *z, const struct directory *d) {
        const char *p = z->text, *end = z->text + d->bytes;

        for (; z->n_entries < d->n_entries; z->n_entries++) {
                struct entry *e = &z->entries[z->n_entries];
                size_t len;
                int r;

                if (end - p < (ptrdiff_t) ENTRY_BYTES || get32(p) != ENTRY_SIGNATURE)
                        return hv_err_set(z->err, -EBADMSG,
                                          "the zip's directory holds fewer entries than it says");
                len = ENTRY_BYTES + (size_t) get16(p + 28) + get16(p + 30) + get16(p + 32);
                if ((size_t) (end - p) < len)
                        return hv_err_set(z->err, -EBADMSG, "the zip's directory is cut");
                *e = (struct entry){ .name = p + ENTRY_BYTES,
                                     .name_len = get16(p + 28),
                                     .flags = get16(p + 8),
                                     .method = get16(p + 10),
                                     .extra_len = get16(p + 30),
                                     .mode = p[5] == SYSTEM_UNIX ? get16(p + 40) : 0,
                                     .packed = get32(p + 20),
                                     .unpacked = get32(p + 24),
                                     .offset = get32(p + 42) };
                r = read_zip64(z, e, e->name + e->name_len);
                if (r >= 0)
                        r = check_entry(z, e);
                if (r < 0)
                        return r;
                p += len;
        }
        if (p != end)
                return hv_err_set(z->err, -EBADMSG, "the zip's directory holds more entries than it says");
        return 0;
}

/* --- the local headers --- */

static int check_local(const struct zip *z, struct entry *e, uint64_t directory_at) {
        _hv_cleanup_free_ char *name = hv_malloc(e->name_len + 1);
        char header[LOCAL_BYTES];
        int r;

        r = read_at(z, e->offset, header, sizeof header);
        if (r < 0)
                return r;
        if (get32(header) != LOCAL_SIGNATURE)
                return refuse(z, e, "is not where the zip's directory says");
        if (get16(header + 26) != e->name_len)
                return refuse(z, e, "has another name in its own header");
        r = read_at(z, e->offset + LOCAL_BYTES, name, e->name_len);
        if (r < 0)
                return r;
        if (memcmp(name, e->name, e->name_len) != 0)
                return refuse(z, e, "has another name in its own header");
        if (get16(header + 6) & FLAGS_ENCRYPTED)
                return refuse(z, e, "is encrypted");
        if (get16(header + 8) != e->method)
                return refuse(z, e, "is compressed in another way in its own header");
        e->end = e->offset + LOCAL_BYTES + e->name_len + get16(header + 28);
        if (e->end > directory_at || e->packed > directory_at - e->end)
                return refuse(z, e, "is longer than the zip");
        e->end += e->packed;
        return 0;
}

static int by_offset(const void *a, const void *b) {
        const struct entry *x = a, *y = b;

        return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int check_places(struct zip *z, const struct directory *d) {
        uint64_t end = 0;
        int r = 0;

        for (size_t i = 0; i < z->n_entries && r >= 0; i++)
                r = check_local(z, &z->entries[i], d->offset);
        if (r < 0 || z->n_entries == 0)
                return r;
        qsort(z->entries, z->n_entries, sizeof *z->entries, by_offset);
        if (z->entries[0].offset != 0)
                return hv_err_set(z->err, -EBADMSG, "something stands in front of the zip's first entry");
        for (size_t i = 0; i < z->n_entries; i++) {
                if (z->entries[i].offset < end)
                        return refuse(z, &z->entries[i], "overlaps another one");
                end = z->entries[i].end;
        }
        return 0;
}

static int check_sizes(const struct zip *z, const struct hv_task_input_limits *limits) {
        uint64_t total = 0;

        for (size_t i = 0; i < z->n_entries; i++) {
                if (z->entries[i].unpacked > limits->max_bytes - total)
                        return refuse(z, &z->entries[i], "goes beyond the bytes that may be unpacked");
                total += z->entries[i].unpacked;
        }
        if (total > limits->ratio_from_bytes && total / limits->max_ratio > z->size)
                return hv_err_set(z->err, -EBADMSG,
                                  "the zip says it holds more than %u times its size: a bomb",
                                  limits->max_ratio);
        return 0;
}

static int check(struct zip *z, const struct hv_task_input_limits *limits) {
        struct directory d = {};
        int r;

        r = read_end(z, &d);
        if (r < 0)
                return r;
        if (d.n_entries > limits->max_entries)
                return hv_err_set(z->err, -EBADMSG, "the zip holds more than %zu entries",
                                  limits->max_entries);
        if (d.offset > d.end || d.bytes != d.end - d.offset)
                return hv_err_set(z->err, -EBADMSG, "the zip's directory is not where its end says");
        if (d.bytes > DIRECTORY_MAX_BYTES)
                return hv_err_set(z->err, -EBADMSG, "the zip's directory has more than 64 MiB");
        z->text = hv_malloc((size_t) d.bytes + 1);
        z->entries = HV_NEW_N(struct entry, (size_t) d.n_entries + 1);
        r = read_at(z, d.offset, z->text, (size_t) d.bytes);
        if (r >= 0)
                r = read_entries(z, &d);
        if (r >= 0)
                r = check_sizes(z, limits);
        if (r >= 0)
                r = check_places(z, &d);
        return r < 0 ? r : z->n_entries > 0;
}

int hv_zip_check(int fd, const struct hv_task_input_limits *limits, struct hv_err *err) {
        struct zip z = { .fd = fd, .err = err };
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return hv_err_errno(err, -errno, "the zip cannot be read");
        z.size = (uint64_t) st.st_size;
        r = check(&z, limits);
        free(z.text);
        free(z.entries);
        return r;
}
