/* monitor/container.h - what one container that runs is using: its cgroup and its network, by files that are open.
 *
 * Model    A container is found by a process of it, once for each of its starts. The network is read through that process: a file
 *          that is open keeps the namespace, so it is closed as soon as the cgroup is found gone.
 * Units    cpu_percent counts one CPU as 100.
 * Rules    - Rates are known from the second sample on.
 *          - With the host's network a container has no figures of its own; with `network: none` they are 0.
 * Source   proc_pid_net(5), proc_pid_cgroup(5).
 */
#pragma once

#include "base/err.h"
#include "cgroup/counters.h"

struct hv_container_sample {
        uint64_t at_us, wall_us; /* CLOCK_BOOTTIME, CLOCK_REALTIME; 0: none yet */
        struct hv_cgroup_figures figures;
        bool rates_are_known, network_is_known;
        double cpu_percent;
        uint64_t rx_bytes, tx_bytes; /* all interfaces but loopback */
        double rx_bytes_per_s, tx_bytes_per_s;
        double read_bytes_per_s, written_bytes_per_s; /* disks, where figures.known has HV_CGROUP_IO */
};

struct hv_container_reader;

/* proc: NULL is /proc. -ESRCH the process is not there or not of this container: its engine is elsewhere, or it just ended. */
int hv_container_reader_new(const struct hv_cgroup_tree *t, const char *proc, int pid, const char *id,
                            bool has_own_network, struct hv_container_reader **ret, struct hv_err *err);
struct hv_container_reader *hv_container_reader_free(
        struct hv_container_reader *r); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_container_reader, hv_container_reader_free);

/* As hv_cgroup_counters_oom_group(). */
int hv_container_reader_oom_group(const struct hv_container_reader *r, bool whole, struct hv_err *err);

/* `io` is the sample before, or zeroed, and becomes the new one. -ENODEV: the container has ended, *io stays. */
int hv_container_reader_read(const struct hv_container_reader *r, uint64_t at_us, uint64_t wall_us,
                             struct hv_container_sample *io, struct hv_err *err);
