/* task/archive.c - see archive.h. */
#include "task/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/text.h"
#include "task/name_set.h"
#include "task/packed.h"
#include "task/place.h"
#include "task/worker.h"
#include "task/zip_check.h"

#define BLOCK_BYTES ((size_t) 64 << 10)
#define TAR_BLOCK_BYTES 512

struct unpacking {
        const struct hv_unpack *u;
        struct archive *a;
        struct hv_packed *packed; /* of a tar */
        struct hv_name_set *names;
        uint64_t file_bytes, out_bytes; /* of this archive */
        int source_error;               /* of packed, and its sentence in *err already */
        int dir_fd;                     /* where it is unpacked */
        struct hv_err *err;
};

static int refuse(const struct unpacking *w, const char *entry, const char *what) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        return hv_err_set(w->err, -EBADMSG, "entry %s %s", hv_text_quote(entry, quoted), what);
}

/* --- what an entry may be --- */

static const char *forbidden_kind(struct archive_entry *e) {
        if (archive_entry_hardlink(e))
                return "is a hard link";
        if (archive_entry_is_encrypted(e))
                return "is encrypted";
        switch (archive_entry_filetype(e)) {
        case AE_IFREG:
        case AE_IFDIR:
                return NULL;
        case AE_IFLNK:
                return "is a symbolic link";
        case AE_IFCHR:
        case AE_IFBLK:
                return "is a device";
        case AE_IFIFO:
                return "is a fifo";
        case AE_IFSOCK:
                return "is a socket";
        default:
                return "is neither a file nor a directory";
        }
}

/* Without "./" in front and "/" behind, as tar writes them; "" is the root of the archive. The caller frees. */
static char *normal_name(const char *name) {
        size_t len;

        while (hv_has_prefix(name, "./"))
                name += 2;
        if (hv_streq(name, "."))
                name++;
        len = strlen(name);
        return hv_strndup(name, len > 1 && name[len - 1] == '/' ? len - 1 : len);
}

static int check_entry(struct unpacking *w, struct archive_entry *e, const char *name, bool is_dir) {
        const char *kind = forbidden_kind(e), *fault;
        int r;

        if (kind)
                return refuse(w, name, kind);
        fault = hv_beneath_fault(name, strlen(name));
        if (fault)
                return refuse(w, name, fault);
        if (archive_entry_size_is_set(e) &&
            (archive_entry_size(e) < 0 ||
             (uint64_t) archive_entry_size(e) > w->u->limits->max_bytes - *w->u->n_bytes))
                return refuse(w, name, "goes beyond the bytes that may be unpacked");
        r = hv_name_set_add(w->names, name, is_dir, w->err);
        if (r < 0)
                return r;
        if (*w->u->n_entries + hv_name_set_size(w->names) > w->u->limits->max_entries)
                return hv_err_set(w->err, -EBADMSG, "it makes more than %zu files and directories",
                                  w->u->limits->max_entries);
        return 0;
}

/* --- contents --- */

/* `bytes` more: is that still honest? */
static int count(struct unpacking *w, const char *name, uint64_t bytes) {
        const struct hv_task_input_limits *limits = w->u->limits;

        if (bytes > limits->max_bytes - *w->u->n_bytes)
                return refuse(w, name, "goes beyond the bytes that may be unpacked");
        *w->u->n_bytes += bytes;
        w->out_bytes += bytes;
        if (w->out_bytes > limits->ratio_from_bytes && w->out_bytes / limits->max_ratio > w->file_bytes)
                return hv_err_set(w->err, -EBADMSG, "it unpacks to more than %u times its size: a bomb",
                                  limits->max_ratio);
        return 0;
}

static int damaged(const struct unpacking *w, const char *name) {
        const char *why = archive_error_string(w->a);
        char quoted[HV_TEXT_QUOTE_SIZE], reason[HV_TEXT_QUOTE_SIZE];

        if (w->source_error < 0)
                return w->source_error;
        (void) hv_text_quote(why ? why : "no reason is known",
                             reason); /* it may hold what the archive holds */
        if (name)
                return hv_err_set(w->err, -EBADMSG, "entry %s is damaged or cut (%s)",
                                  hv_text_quote(name, quoted), reason);
        return hv_err_set(w->err, -EBADMSG, "it is damaged or cut (%s)", reason);
}

/* What stands at `offset`; what is left out before it is a hole. */
static int write_at(const struct unpacking *w, int fd, const char *name, const char *data, size_t len,
                    uint64_t offset) {
        char quoted[HV_TEXT_QUOTE_SIZE];

        while (len > 0) {
                ssize_t n = pwrite(fd, data, len, (off_t) offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return hv_err_errno(w->err, n < 0 ? -errno : -ENOSPC, "%s cannot be written",
                                            hv_text_quote(name, quoted));
                data += n;
                offset += (uint64_t) n;
                len -= (size_t) n;
        }
        return 0;
}

static int unpack_content(struct unpacking *w, struct archive_entry *e, int fd, const char *name) {
        uint64_t end = 0;
        int r;

        for (;;) {
                const void *data;
                la_int64_t offset;
                size_t len;
                int got = archive_read_data_block(w->a, &data, &len, &offset);

                if (w->u->job && hv_job_is_cancelled(w->u->job))
                        return hv_err_set(w->err, -ECANCELED, "the preparation was cancelled");
                if (got == ARCHIVE_EOF)
                        break;
                if (got != ARCHIVE_OK || offset < 0 || (uint64_t) offset < end)
                        return damaged(w, name);
                r = count(w, name, (uint64_t) offset + len - end);
                if (r >= 0)
                        r = write_at(w, fd, name, data, len, (uint64_t) offset);
                if (r < 0)
                        return r;
                end = (uint64_t) offset + len;
        }
        if (archive_entry_size_is_set(e) && (uint64_t) archive_entry_size(e) > end) { /* ends in a hole */
                r = count(w, name, (uint64_t) archive_entry_size(e) - end);
                if (r < 0)
                        return r;
                end = (uint64_t) archive_entry_size(e);
        }
        if (ftruncate(fd, (off_t) end) < 0 || fchmod(fd, archive_entry_perm(e) & 0111 ? 0755 : 0644) < 0)
                return hv_err_errno(w->err, -errno, "\"%s\" cannot be written", name);
        return 0;
}

static int unpack_file(struct unpacking *w, struct archive_entry *e, const char *name) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        int r;

        r = hv_beneath_make_file(w->dir_fd, name, &w->u->owner, &fd);
        if (r < 0)
                return hv_place_error(r, name, w->err);
        return unpack_content(w, e, fd, name);
}

static int unpack_entry(struct unpacking *w, struct archive_entry *e) {
        bool is_dir = archive_entry_filetype(e) == AE_IFDIR;
        const char *raw = archive_entry_pathname(e);
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        _hv_cleanup_free_ char *name = NULL;
        int r;

        if (!raw)
                return hv_err_set(w->err, -EBADMSG, "an entry has a name that is not valid UTF-8");
        name = normal_name(raw);
        if (is_dir && !*name && *raw)
                return 0; /* "./" */
        r = check_entry(w, e, name, is_dir);
        if (r < 0)
                return r;
        if (!is_dir)
                return unpack_file(w, e, name);
        r = hv_beneath_make_dirs(w->dir_fd, name, &w->u->owner, &fd);
        return r < 0 ? hv_place_error(r, name, w->err) : 0;
}

static int unpack_entries(struct unpacking *w) {
        struct archive_entry *e;
        int got, r;

        for (;;) {
                la_int64_t end_of_last = archive_filter_bytes(w->a, 0);

                if (w->u->job && hv_job_is_cancelled(w->u->job))
                        return hv_err_set(w->err, -ECANCELED, "the preparation was cancelled");
                got = archive_read_next_header(w->a, &e);
                if (got == ARCHIVE_EOF) {
                        /* A tar that is cut between two entries looks good, but for the block of zeros at its end. */
                        if (w->packed && archive_filter_bytes(w->a, 0) - end_of_last < TAR_BLOCK_BYTES)
                                return hv_err_set(w->err, -EBADMSG, "it is cut: its end is missing");
                        return w->source_error;
                }
                if (got != ARCHIVE_OK)
                        return damaged(w, NULL);
                r = unpack_entry(w, e);
                if (r < 0)
                        return r;
                if (archive_read_data_skip(w->a) < ARCHIVE_OK)
                        return damaged(w, NULL);
        }
}

/* --- the formats --- */

static la_ssize_t give_packed(struct archive *a, void *userdata, const void **ret) {
        struct unpacking *w = userdata;
        ssize_t n;

        n = hv_packed_read(w->packed, ret, w->err);
        if (n >= 0)
                return n;
        w->source_error = (int) n;
        archive_set_error(a, EINVAL, "its beginning cannot be unpacked");
        return ARCHIVE_FATAL;
}

static int unpack_tar(struct unpacking *w, bool is_gzip) {
        int r;

        r = hv_packed_open(w->u->archive_fd, is_gzip, w->u->limits, w->u->job, &w->packed, w->err);
        if (r < 0)
                return r;
        (void) archive_read_support_format_tar(w->a);
        if (archive_read_open(w->a, w, NULL, give_packed, NULL) != ARCHIVE_OK)
                return damaged(w, NULL);
        r = unpack_entries(w);
        return r < 0 ? r : hv_packed_finish(w->packed, (uint64_t) archive_filter_bytes(w->a, 0), w->err);
}

static int unpack_zip(struct unpacking *w) {
        struct hv_task_input_limits left = *w->u->limits;
        int r;

        left.max_bytes -= *w->u->n_bytes;
        left.max_entries -= *w->u->n_entries;
        r = hv_zip_check(w->u->archive_fd, &left, w->err);
        if (r <= 0)
                return r; /* 0: an empty one, which libarchive does not know */
        (void) archive_read_support_format_zip_seekable(w->a);
        if (lseek(w->u->archive_fd, 0, SEEK_SET) < 0 ||
            archive_read_open_fd(w->a, w->u->archive_fd, BLOCK_BYTES) != ARCHIVE_OK)
                return damaged(w, NULL);
        return unpack_entries(w);
}

/* One file, compressed. */
static int unpack_gzip(struct unpacking *w) {
        _hv_cleanup_free_ char *name =
                hv_strndup(w->u->archive_name, strlen(w->u->archive_name) - strlen(".gz"));
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        uint64_t at = 0;
        const void *data;
        ssize_t n;
        int r;

        r = hv_packed_open(w->u->archive_fd, true, w->u->limits, w->u->job, &w->packed, w->err);
        if (r >= 0)
                r = hv_place_check(name, w->err);
        if (r < 0)
                return r;
        r = hv_beneath_make_file(w->dir_fd, name, &w->u->owner, &fd);
        if (r < 0)
                return hv_place_error(r, name, w->err);
        if ((*w->u->n_entries)++ >= w->u->limits->max_entries)
                return hv_err_set(w->err, -EBADMSG, "with it there are more than %zu files and directories",
                                  w->u->limits->max_entries);
        while ((n = hv_packed_read(w->packed, &data, w->err)) > 0) {
                r = count(w, name, (uint64_t) n);
                if (r >= 0)
                        r = write_at(w, fd, name, data, (size_t) n, at);
                if (r < 0)
                        return r;
                at += (uint64_t) n;
        }
        if (n == 0 && fchmod(fd, 0644) < 0)
                return hv_err_errno(w->err, -errno, "\"%s\" cannot be written", name);
        return (int) n;
}

static bool ends_in(const char *name, const char *suffix) {
        size_t n = strlen(name), len = strlen(suffix);

        return n > len && strcasecmp(name + n - len, suffix) == 0;
}

static int unpack(struct unpacking *w) {
        unsigned char magic[4] = {};
        ssize_t n = pread(w->u->archive_fd, magic, sizeof magic, 0);
        bool is_gzip = n >= 2 && magic[0] == 0x1f && magic[1] == 0x8b;
        const char *name = w->u->archive_name;

        if (n < 0)
                return hv_err_errno(w->err, -errno, "it cannot be read");
        if (n == 0)
                return hv_err_set(w->err, -EBADMSG, "it is empty");
        if (magic[0] == 'P' && magic[1] == 'K')
                return unpack_zip(w);
        if (is_gzip && ends_in(name, ".gz") && !ends_in(name, ".tar.gz"))
                return unpack_gzip(w);
        return unpack_tar(w, is_gzip);
}

/* libarchive converts names to the thread's character set: for the time of the work that is UTF-8, whatever the process
 * has, so that names come out as they are. */
static int unpack_in_utf8(struct unpacking *w) {
        locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0), before;
        int r;

        if (!utf8)
                return hv_err_errno(w->err, -errno, "this system has no locale C.UTF-8");
        before = uselocale(utf8);
        w->a = archive_read_new();
        if (!w->a)
                hv_out_of_memory(sizeof *w);
        r = unpack(w);
        (void) archive_read_free(w->a);
        (void) uselocale(before);
        freelocale(utf8);
        return r;
}

int hv_archive_unpack(const struct hv_unpack *u, struct hv_err *err) {
        _hv_cleanup_(hv_name_set_freep) struct hv_name_set *names = hv_name_set_new();
        _hv_cleanup_(hv_fd_closep) int dir_fd = -1;
        struct hv_err own = {};
        struct unpacking w = { .u = u, .names = names, .err = &own };
        struct stat st;
        int r = 0;

        if (!hv_streq(u->path, "."))
                r = hv_place_check(u->path, err);
        if (r < 0)
                return r;
        if (fstat(u->archive_fd, &st) < 0)
                return hv_err_errno(err, -errno, "it cannot be read");
        r = hv_beneath_make_dirs(u->workspace_fd, hv_streq(u->path, ".") ? "" : u->path, &u->owner, &dir_fd);
        if (r < 0)
                return hv_place_error(r, u->path, err);
        w.dir_fd = dir_fd;
        w.file_bytes = (uint64_t) st.st_size;
        r = unpack_in_utf8(&w);
        *u->n_entries += hv_name_set_size(names);
        (void) hv_packed_free(w.packed);
        if (r < 0 && err)
                *err = own;
        return r;
}
