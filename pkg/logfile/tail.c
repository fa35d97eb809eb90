#include "logfile/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "logfile/rotated.h"

#define READ_BYTES 16384

static int open_one(int folder, const char *log, unsigned number, uint64_t *ret_bytes) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        char name[HV_ROTATED_NAME_SIZE];
        struct stat st;

        hv_rotated_name(log, number, name);
        fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -ENOENT;
        *ret_bytes = (uint64_t) st.st_size;
        return hv_fd_steal(&fd);
}

static void read_from(int fd, uint64_t offset, uint64_t len, struct hv_buf *ret) {
        char buf[READ_BYTES];

        while (len > 0) {
                ssize_t n = pread(fd, buf, HV_MIN(len, sizeof buf), (off_t) offset);

                if (n <= 0)
                        return;
                hv_buf_add(ret, buf, (size_t) n);
                offset += (uint64_t) n;
                len -= (uint64_t) n;
        }
}

/* From `number` on, older ones first, at most `left` bytes. True: it begins with the beginning of a file. */
static bool gather(int folder, const char *log, unsigned number, size_t left, struct hv_buf *ret) {
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        uint64_t size = 0, take;
        bool whole;

        fd = number <= HV_ROTATED_MAX ? open_one(folder, log, number, &size) : -1;
        if (fd < 0)
                return true;
        take = HV_MIN(size, (uint64_t) left);
        whole = take == size && (take == left || gather(folder, log, number + 1, left - (size_t) take, ret));
        read_from(fd, size - take, take, ret);
        return whole;
}

/* Where the last lines begin. */
static const char *begin_of(const char *text, size_t len, bool is_whole, size_t max_lines) {
        const char *end = text + len, *from = text, *p;

        if (!is_whole) { /* it begins within a line */
                p = memchr(text, '\n', len);
                from = p ? p + 1 : end;
        }
        for (p = end; p > from && max_lines > 0; max_lines--) {
                p--; /* the end of this line, or of one that is being written */
                while (p > from && p[-1] != '\n')
                        p--;
        }
        return p;
}

int hv_logfile_tail(const char *folder, const char *name, size_t max_lines, size_t max_bytes,
                    struct hv_buf *ret, struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct stat st;
        const char *from;
        bool whole;

        if (fd < 0)
                return hv_err_errno(err, -errno, "the folder %s cannot be opened", folder);
        if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return hv_err_errno(err, -errno, "%s/%s cannot be read", folder, name);
        whole = gather(fd, name, 0, max_bytes, &text);
        from = begin_of(hv_buf_str(&text), text.len, whole, max_lines);
        hv_buf_add(ret, from, text.len - (size_t) (from - hv_buf_str(&text)));
        return 0;
}
