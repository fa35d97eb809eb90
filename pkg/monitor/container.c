/* monitor/container.c - see container.h. */
#include "monitor/container.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/fd.h"

#define NET_DEV_SIZE 8192u /* some 60 interfaces */

struct hv_container_reader {
        struct hv_cgroup_counters *counters;
        int network; /* net/dev of its namespace; -1: not its own */
};

int hv_container_reader_new(const struct hv_cgroup_tree *t, const char *proc, int pid, const char *id,
                            bool has_own_network, struct hv_container_reader **ret, struct hv_err *err) {
        _hv_cleanup_(hv_container_reader_freep) struct hv_container_reader *r = NULL;
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%d", proc ? proc : "/proc", pid);
        _hv_cleanup_(hv_fd_closep) int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        int res;

        /* All that is opened below it is of the process that had the number just now, whoever gets it next. */
        if (dir < 0)
                return hv_err_set(err, -ESRCH, "process %d of container %.12s is not here", pid, id);
        r = HV_NEW(struct hv_container_reader);
        r->network = has_own_network ? openat(dir, "net/dev", O_RDONLY | O_CLOEXEC) : -1;
        res = hv_cgroup_counters_of_process(t, dir, id, &r->counters, err);
        if (res < 0)
                return -ESRCH;
        *ret = HV_STEAL(r);
        return 0;
}

struct hv_container_reader *hv_container_reader_free(struct hv_container_reader *r) {
        if (!r)
                return NULL;
        (void) hv_cgroup_counters_free(r->counters);
        if (r->network >= 0)
                (void) close(r->network);
        free(r);
        return NULL;
}

int hv_container_reader_oom_group(const struct hv_container_reader *r, bool whole, struct hv_err *err) {
        return hv_cgroup_counters_oom_group(r->counters, whole, err);
}

static void read_network(const struct hv_container_reader *r, struct hv_container_sample *now) {
        char text[NET_DEV_SIZE];
        ssize_t n = r->network < 0 ? -1 : pread(r->network, text, sizeof text - 1, 0);
        struct hv_interface_counters c;
        const char *at = text;

        if (n < 0)
                return;
        text[n] = '\0';
        now->network_is_known = true;
        while (hv_kernel_interface(&at, &c)) {
                if (hv_streq(c.name, "lo"))
                        continue;
                now->rx_bytes += c.rx_bytes;
                now->tx_bytes += c.tx_bytes;
        }
}

static double rate(uint64_t before, uint64_t now, uint64_t span_us) {
        return now < before ? 0 : (double) (now - before) * 1e6 / (double) span_us;
}

int hv_container_reader_read(const struct hv_container_reader *r, uint64_t at_us, uint64_t wall_us,
                             struct hv_container_sample *io, struct hv_err *err) {
        struct hv_container_sample now = { .at_us = at_us, .wall_us = wall_us };
        int res = hv_cgroup_counters_read(r->counters, &now.figures, err);

        if (res < 0)
                return res;
        read_network(r, &now);
        if (io->at_us && at_us > io->at_us) {
                uint64_t span_us = at_us - io->at_us;

                now.rates_are_known = true;
                now.cpu_percent = rate(io->figures.cpu_us, now.figures.cpu_us, span_us) / 1e4;
                now.rx_bytes_per_s = rate(io->rx_bytes, now.rx_bytes, span_us);
                now.tx_bytes_per_s = rate(io->tx_bytes, now.tx_bytes, span_us);
                now.read_bytes_per_s = rate(io->figures.read_bytes, now.figures.read_bytes, span_us);
                now.written_bytes_per_s = rate(io->figures.written_bytes, now.figures.written_bytes, span_us);
        }
        *io = now;
        return 0;
}
