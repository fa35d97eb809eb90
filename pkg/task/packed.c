/* task/packed.c - see packed.h. */
#include "task/packed.h"

#include <archive.h>
#include <endian.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/crc32.h"
#include "task/worker.h"

#define BLOCK_BYTES ((size_t) 64 << 10)

struct hv_packed {
        int fd;
        uint64_t file_bytes, out_bytes, max_bytes;
        uint64_t used_at_least; /* behind it there were only zeros so far */
        uint32_t crc;           /* of a gzip file's content */
        const struct hv_task_input_limits *limits;
        const struct hv_job *job;
        struct archive *gzip; /* libarchive's view of a gzip file: one entry, raw */
        char block[];
};

/* Headers of a tar are not counted among what is unpacked; this keeps a tar of nothing but headers short. */
static uint64_t max_out(const struct hv_task_input_limits *limits) {
        return limits->max_bytes + (uint64_t) limits->max_entries * 4096 + BLOCK_BYTES;
}

static int open_gzip(struct hv_packed *p, struct hv_err *err) {
        struct archive_entry *entry;

        p->gzip = archive_read_new();
        if (!p->gzip)
                hv_out_of_memory(sizeof *p);
        (void) archive_read_support_filter_gzip(p->gzip);
        (void) archive_read_support_format_raw(p->gzip);
        if (lseek(p->fd, 0, SEEK_SET) < 0 ||
            archive_read_open_fd(p->gzip, p->fd, BLOCK_BYTES) != ARCHIVE_OK ||
            archive_read_next_header(p->gzip, &entry) != ARCHIVE_OK ||
            archive_filter_code(p->gzip, 0) != ARCHIVE_FILTER_GZIP)
                return hv_err_set(err, -EBADMSG, "it is no gzip file, or its beginning is damaged");
        if (archive_filter_code(p->gzip, 1) != ARCHIVE_FILTER_NONE)
                return hv_err_set(err, -EBADMSG, "it is compressed more than once");
        return 0;
}

int hv_packed_open(int fd, bool is_gzip, const struct hv_task_input_limits *limits, const struct hv_job *job,
                   struct hv_packed **ret, struct hv_err *err) {
        _hv_cleanup_(hv_packed_freep) struct hv_packed *p = hv_calloc(1, sizeof *p + BLOCK_BYTES);
        struct stat st;
        int r = 0;

        if (fstat(fd, &st) < 0 || lseek(fd, 0, SEEK_SET) < 0)
                return hv_err_errno(err, -errno, "it cannot be read");
        p->fd = fd;
        p->file_bytes = (uint64_t) st.st_size;
        p->limits = limits;
        p->max_bytes = max_out(limits);
        p->job = job;
        if (is_gzip)
                r = open_gzip(p, err);
        if (r < 0)
                return r;
        *ret = HV_STEAL(p);
        return 0;
}

struct hv_packed *hv_packed_free(struct hv_packed *p) {
        if (!p)
                return NULL;
        if (p->gzip)
                (void) archive_read_free(p->gzip);
        free(p);
        return NULL;
}

static ssize_t read_plain(struct hv_packed *p, const void **ret, struct hv_err *err) {
        ssize_t n;

        do
                n = read(p->fd, p->block, BLOCK_BYTES);
        while (n < 0 && errno == EINTR);
        *ret = p->block;
        return n < 0 ? hv_err_errno(err, -errno, "it cannot be read") : n;
}

/* The last eight bytes: CRC-32 and length of the content (RFC 1952, section 2.3.1). */
static int check_trailer(struct hv_packed *p, struct hv_err *err) {
        uint32_t trailer[2];

        /* libarchive stops without a word where no further part begins. */
        if ((uint64_t) archive_filter_bytes(p->gzip, -1) != p->file_bytes)
                return hv_err_set(err, -EBADMSG, "something stands behind its end");
        if (p->file_bytes < sizeof trailer ||
            pread(p->fd, trailer, sizeof trailer, (off_t) (p->file_bytes - sizeof trailer)) != sizeof trailer)
                return hv_err_set(err, -EBADMSG, "it is cut");
        if (le32toh(trailer[0]) != p->crc || le32toh(trailer[1]) != (uint32_t) p->out_bytes)
                return hv_err_set(err, -EBADMSG, "its checksum is wrong, or it is made of several parts");
        return 0;
}

static ssize_t read_gzip(struct hv_packed *p, const void **ret, struct hv_err *err) {
        la_int64_t offset;
        size_t len = 0;
        int r;

        do
                r = archive_read_data_block(p->gzip, ret, &len, &offset);
        while (r == ARCHIVE_OK && len == 0);
        if (r == ARCHIVE_EOF)
                return check_trailer(p, err);
        if (r != ARCHIVE_OK)
                return hv_err_set(err, -EBADMSG, "it is damaged or cut (%s)", archive_error_string(p->gzip));
        p->crc = hv_crc32(p->crc, *ret, len);
        return (ssize_t) len;
}

static void note_zeros(struct hv_packed *p, const char *data, size_t len) {
        size_t n = len;

        while (n > 0 && data[n - 1] == 0)
                n--;
        if (n > 0)
                p->used_at_least = p->out_bytes + n;
}

ssize_t hv_packed_read(struct hv_packed *p, const void **ret, struct hv_err *err) {
        ssize_t n;

        if (p->job && hv_job_is_cancelled(p->job))
                return hv_err_set(err, -ECANCELED, "the preparation was cancelled");
        n = p->gzip ? read_gzip(p, ret, err) : read_plain(p, ret, err);
        if (n <= 0)
                return n;
        note_zeros(p, *ret, (size_t) n);
        p->out_bytes += (uint64_t) n;
        if (p->out_bytes > p->limits->ratio_from_bytes && p->out_bytes / p->limits->max_ratio > p->file_bytes)
                return hv_err_set(err, -EBADMSG, "it unpacks to more than %u times its size: a bomb",
                                  p->limits->max_ratio);
        if (p->out_bytes > p->max_bytes)
                return hv_err_set(err, -EBADMSG, "it goes beyond the bytes that may be unpacked");
        return n;
}

int hv_packed_finish(struct hv_packed *p, uint64_t used, struct hv_err *err) {
        const void *data;
        ssize_t n;

        do
                n = hv_packed_read(p, &data, err);
        while (n > 0 && p->used_at_least <= used);
        if (n < 0)
                return (int) n;
        return p->used_at_least > used ? hv_err_set(err, -EBADMSG, "something stands behind its end") : 0;
}
