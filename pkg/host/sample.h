/* host/sample.h - how busy this machine is: one look after the other, each with files that are open.
 *
 * Cost     about 0.1 ms of CPU: a dozen small files, statvfs(2) of each file system. For the loop's thread, as long as the file
 *          systems are of this machine: one that hangs lets statvfs(2) wait.
 * Rules    - What is a rate, and the use of CPUs, is known from the second look on: `cpu_is_known`, `rates_are_known`. Until then
 *            cpu_percent is the mean since the machine started: to be shown, not to be decided by.
 *          - Figures of the whole machine, also of one whose agent is in a container: /proc is the machine's. The network is
 *            that of the agent's own namespace.
 * Source   proc(5), proc_pid_net(5), statvfs(3); Linux Documentation/ABI/testing/sysfs-class-thermal, cpu-freq.
 */
#pragma once

#include "base/err.h"
#include "host/figures.h"

#define HV_FILE_SYSTEMS_MAX 8
#define HV_INTERFACES_MAX 32

struct hv_file_system {
        const char *use; /* "work", "state", "engine": as it was named; of two on one file system the first */
        const char *path;
        uint64_t total_bytes, available_bytes; /* to programs that are not root's */
        uint64_t n_files, n_files_free;
        uint64_t used_bytes; /* used + available is what df(1) takes for all: the rest is root's alone */
};

struct hv_interface_rate {
        struct hv_interface_counters counters;
        bool is_counted; /* in the machine's sum */
        double rx_bytes_per_s, tx_bytes_per_s;
};

struct hv_host_sample {
        uint64_t at_us, wall_us; /* CLOCK_BOOTTIME, CLOCK_REALTIME */
        bool cpu_is_known, rates_are_known;
        double cpu_percent;
        struct hv_cpu_ticks ticks;
        unsigned n_cpus, cpu_mhz;
        const char *cpu_model; /* "": not told */
        struct hv_host_memory memory;
        struct hv_host_load load;
        unsigned n_processes;
        struct hv_pressure cpu_pressure, memory_pressure, io_pressure;
        struct hv_file_system file_systems[HV_FILE_SYSTEMS_MAX];
        size_t n_file_systems;
        struct hv_interface_rate interfaces[HV_INTERFACES_MAX]; /* those that are not loopback */
        size_t n_interfaces;
        uint64_t rx_bytes, tx_bytes; /* of the counted ones */
        double rx_bytes_per_s, tx_bytes_per_s;
        bool temperature_is_known;
        double temperature_celsius; /* the hottest zone */
};

struct hv_host_sampler;

/* thermal: folder with the temperatures, as sysfs has them; NULL: sysfs. */
struct hv_host_sampler *hv_host_sampler_new(const char *thermal);
struct hv_host_sampler *hv_host_sampler_free(struct hv_host_sampler *s); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_host_sampler, hv_host_sampler_free);

/* The file system of a path is looked at from the next look on; of a path that is not there yet, the nearest folder above it. A second
 * call for a use (a constant) replaces the path; NULL: nowhere. They are shown in the order in which the uses were named. */
void hv_host_sampler_watch(struct hv_host_sampler *s, const char *use, const char *path);

/* Looks; instants are the caller's clocks. What cannot be read is 0. */
void hv_host_sampler_look(struct hv_host_sampler *s, uint64_t at_us, uint64_t wall_us);

/* Looks at the file systems alone, into the last sample: for whoever must know of one that was named just now. */
void hv_host_sampler_look_at_disks(struct hv_host_sampler *s);

/* What the last look saw of the file system of a use, also where another use is on it and it is shown as that one's. NULL: nothing. */
const struct hv_file_system *hv_host_sampler_file_system(const struct hv_host_sampler *s, const char *use);

/* The last look; NULL: there was none. Good until the next. */
const struct hv_host_sample *hv_host_sampler_last(const struct hv_host_sampler *s);

/* Of all file systems the fullest, in percent; 0: none is known. */
double hv_host_disk_percent(const struct hv_host_sample *s, const struct hv_file_system **ret_fullest);
