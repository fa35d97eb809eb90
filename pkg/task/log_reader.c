/* task/log_reader.c - one stream of a log, told apart by log.idx. See results.h and log_file.h. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "task/results_internal.h"

struct hv_log_reader {
        enum hv_log_stream stream;
        int fd;
        FILE *index;
        uint64_t at;         /* in the log */
        uint64_t left_bytes; /* of the run that is being read: it is of our stream */
};

int hv_log_reader_new(const struct hv_results *r, enum hv_log_stream stream, struct hv_log_reader **ret,
                      struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = -1, index_fd = -1;
        struct hv_log_reader *l;
        int e;

        e = hv_beneath_open_regular(r->fd, HV_LOG_FILE, &fd);
        if (e >= 0)
                e = hv_beneath_open_regular(r->fd, HV_LOG_INDEX_FILE, &index_fd);
        if (e < 0)
                return hv_err_errno(err, e, "%s: its log", r->path);
        l = HV_NEW(struct hv_log_reader);
        l->stream = stream;
        l->index = fdopen(index_fd, "r");
        if (!l->index)
                hv_out_of_memory(BUFSIZ); /* fdopen(3) fails for nothing else */
        (void) hv_fd_steal(&index_fd);
        l->fd = hv_fd_steal(&fd);
        *ret = l;
        return 0;
}

struct hv_log_reader *hv_log_reader_free(struct hv_log_reader *l) {
        if (!l)
                return NULL;
        hv_fd_closep(&l->fd);
        (void) fclose(l->index);
        free(l);
        return NULL;
}

/* To the next run of our stream; false: there is none. */
static bool next_run(struct hv_log_reader *l) {
        uint64_t value;

        while (hv_log_next_run(l->index, &value)) {
                if ((value % 2 ? HV_LOG_FROM_STDERR : HV_LOG_FROM_STDOUT) == l->stream && value / 2 > 0) {
                        l->left_bytes = value / 2;
                        return true;
                }
                l->at += value / 2;
        }
        return false;
}

ssize_t hv_log_reader_fill(struct hv_log_reader *l, void *buf, size_t cap, struct hv_err *err) {
        size_t done = 0;

        while (done < cap && (l->left_bytes > 0 || next_run(l))) {
                ssize_t n = pread(l->fd, (char *) buf + done, (size_t) HV_MIN(l->left_bytes, cap - done),
                                  (off_t) l->at);

                if (n <= 0)
                        return hv_err_errno(err, n < 0 ? -errno : -EIO, "the log cannot be read");
                done += (size_t) n;
                l->at += (uint64_t) n;
                l->left_bytes -= (uint64_t) n;
        }
        return (ssize_t) done;
}
