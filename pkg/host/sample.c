/* host/sample.c - see sample.h. */
#include "host/sample.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/time.h"
#include "host/capacity.h"

#define FILE_SIZE 16384u /* /proc/stat begins with what is wanted; net/dev of 100 interfaces */
#define ZONES_MAX 16u
#define THERMAL "/sys/class/thermal"
#define NOWHERE SIZE_MAX
#define MILLI 1000.0
#define KHZ_PER_MHZ 1000u
#define FIRST_PID_NAMESPACE "pid:[4026531836]" /* include/linux/proc_ns.h: PROC_PID_INIT_INO */

enum source {
        SOURCE_STAT,
        SOURCE_MEMORY,
        SOURCE_LOAD,
        SOURCE_NETWORK,
        SOURCE_CPU_PRESSURE,
        SOURCE_MEMORY_PRESSURE,
        SOURCE_IO_PRESSURE,
        SOURCE_FREQUENCY,
        N_SOURCES,
};

static const char *const paths[N_SOURCES] = {
        [SOURCE_STAT] = "/proc/stat",
        [SOURCE_MEMORY] = "/proc/meminfo",
        [SOURCE_LOAD] = "/proc/loadavg",
        [SOURCE_NETWORK] = "/proc/self/net/dev",
        [SOURCE_CPU_PRESSURE] = "/proc/pressure/cpu",
        [SOURCE_MEMORY_PRESSURE] = "/proc/pressure/memory",
        [SOURCE_IO_PRESSURE] = "/proc/pressure/io",
        [SOURCE_FREQUENCY] = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq",
};

struct hv_host_sampler {
        int sources[N_SOURCES]; /* -1: not here */
        int zones[ZONES_MAX];   /* temperatures */
        size_t n_zones;
        char model[HV_CPU_MODEL_SIZE];
        unsigned mhz;         /* as it was told at first, where the present one is not */
        int64_t proc_folders; /* links of /proc that are no process; -1: they are counted each time */
        char *watched[HV_FILE_SYSTEMS_MAX]; /* NULL: nowhere now */
        const char *uses[HV_FILE_SYSTEMS_MAX];
        size_t places
                [HV_FILE_SYSTEMS_MAX]; /* of each use, among the file systems of the last look; NOWHERE */
        size_t n_watched;
        bool has_looked;
        struct hv_host_sample last;
};

/* ---- files ---- */

static bool read_text(int fd, char ret[FILE_SIZE]) {
        ssize_t n = fd < 0 ? -1 : pread(fd, ret, FILE_SIZE - 1, 0);

        if (n < 0)
                return false;
        ret[n] = '\0';
        return true;
}

static void read_model(struct hv_host_sampler *s) {
        _hv_cleanup_(hv_fd_closep) int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);
        char text[FILE_SIZE];

        if (read_text(fd, text))
                hv_host_cpu_model(text, s->model, &s->mhz);
}

static void open_zones(struct hv_host_sampler *s, const char *thermal) {
        for (unsigned i = 0; i < ZONES_MAX; i++) {
                _hv_cleanup_free_ char *path = hv_asprintf("%s/thermal_zone%u/temp", thermal, i);
                int fd = open(path, O_RDONLY | O_CLOEXEC);

                if (fd >= 0)
                        s->zones[s->n_zones++] = fd;
        }
}

/* ---- processes ---- */

static unsigned count_processes(void) {
        DIR *dir = opendir("/proc");
        struct dirent *e;
        unsigned n = 0;

        while (dir && (e = readdir(dir)))
                n += *e->d_name >= '1' && *e->d_name <= '9';
        if (dir)
                (void) closedir(dir);
        return n;
}

static int64_t links_of_proc(void) {
        struct stat st;

        return stat("/proc", &st) == 0 ? (int64_t) st.st_nlink : -1;
}

/* The kernel counts a link of /proc for each process of the machine and each folder that is always there (fs/proc/root.c), so one
 * stat(2) tells what else a walk through all of them would. In a namespace of its own the walk sees fewer. */
static int64_t calibrate_processes(void) {
        char name[sizeof FIRST_PID_NAMESPACE] = "";

        if (readlink("/proc/self/ns/pid", name, sizeof name - 1) < 0 || !hv_streq(name, FIRST_PID_NAMESPACE))
                return -1;
        for (unsigned tries = 0; tries < 3; tries++) {
                int64_t before = links_of_proc(), n = count_processes();

                if (before > n && links_of_proc() == before) /* nothing came or went meanwhile */
                        return before - n;
        }
        return -1;
}

static unsigned look_at_processes(const struct hv_host_sampler *s) {
        int64_t links = s->proc_folders < 0 ? -1 : links_of_proc();

        return links > s->proc_folders ? (unsigned) (links - s->proc_folders) : count_processes();
}

/* ---- CPU, memory ---- */

static void look_at_cpu(const struct hv_host_sampler *s, struct hv_host_sample *now) {
        const struct hv_cpu_ticks start = {};
        char text[FILE_SIZE];
        uint64_t khz;

        now->cpu_model = s->model;
        now->cpu_mhz = s->mhz;
        if (read_text(s->sources[SOURCE_FREQUENCY], text) && hv_kernel_number(text, &khz))
                now->cpu_mhz = (unsigned) (khz / KHZ_PER_MHZ);
        now->n_cpus = hv_host_count_cpus();
        if (!read_text(s->sources[SOURCE_STAT], text) || !hv_host_cpu_ticks(text, &now->ticks))
                return;
        if (!s->has_looked || !s->last.ticks.total)
                (void) hv_host_cpu_percent(&start, &now->ticks, &now->cpu_percent);
        else if (hv_host_cpu_percent(&s->last.ticks, &now->ticks, &now->cpu_percent))
                now->cpu_is_known = true;
        else { /* two looks within a tick: the one before holds */
                now->ticks = s->last.ticks;
                now->cpu_percent = s->last.cpu_percent;
                now->cpu_is_known = s->last.cpu_is_known;
        }
}

static void look_at_pressure(const struct hv_host_sampler *s, struct hv_host_sample *now) {
        char text[FILE_SIZE];

        if (read_text(s->sources[SOURCE_CPU_PRESSURE], text))
                (void) hv_kernel_pressure(text, &now->cpu_pressure);
        if (read_text(s->sources[SOURCE_MEMORY_PRESSURE], text))
                (void) hv_kernel_pressure(text, &now->memory_pressure);
        if (read_text(s->sources[SOURCE_IO_PRESSURE], text))
                (void) hv_kernel_pressure(text, &now->io_pressure);
}

/* A zone that is asleep answers with an error; below 0 or above 200 degrees it has no sensor. */
static void look_at_temperature(const struct hv_host_sampler *s, struct hv_host_sample *now) {
        char text[FILE_SIZE];
        uint64_t milli;

        for (size_t i = 0; i < s->n_zones; i++) {
                double celsius;

                if (!read_text(s->zones[i], text) || !hv_kernel_number(text, &milli) || milli > 200000)
                        continue;
                celsius = (double) milli / MILLI;
                if (!now->temperature_is_known || celsius > now->temperature_celsius)
                        now->temperature_celsius = celsius;
                now->temperature_is_known = true;
        }
}

/* ---- network ---- */

/* DEVTYPE of an interface, which decides whether it is counted: asked once, when it is first seen. */
static bool is_counted(const char *name) {
        _hv_cleanup_free_ char *path = hv_asprintf("/sys/class/net/%s/uevent", name);
        _hv_cleanup_(hv_fd_closep) int fd = -1;
        char text[FILE_SIZE] = "", *type = NULL;

        if (!hv_host_counts_interface(name, NULL))
                return false;
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (read_text(fd, text) && hv_has_prefix(text, "DEVTYPE=")) {
                type = text + strlen("DEVTYPE=");
                type[strcspn(type, "\n")] = '\0';
        }
        return hv_host_counts_interface(name, type);
}

static const struct hv_interface_rate *find_interface(const struct hv_host_sample *s, const char *name) {
        for (size_t i = 0; i < s->n_interfaces; i++)
                if (hv_streq(s->interfaces[i].counters.name, name))
                        return &s->interfaces[i];
        return NULL;
}

/* Counters begin anew with an interface that was made anew. */
static double rate(uint64_t before, uint64_t now, uint64_t span_us) {
        return now < before || span_us == 0 ? 0 : (double) (now - before) * 1e6 / (double) span_us;
}

static void look_at_network(const struct hv_host_sampler *s, struct hv_host_sample *now) {
        uint64_t span_us = s->has_looked ? now->at_us - s->last.at_us : 0;
        struct hv_interface_counters c;
        char text[FILE_SIZE];
        const char *at = text;

        if (!read_text(s->sources[SOURCE_NETWORK], text))
                return;
        while (now->n_interfaces < HV_INTERFACES_MAX && hv_kernel_interface(&at, &c)) {
                const struct hv_interface_rate *before = find_interface(&s->last, c.name);
                struct hv_interface_rate *i;

                if (hv_streq(c.name, "lo") || hv_has_prefix(c.name, "veth"))
                        continue;
                i = &now->interfaces[now->n_interfaces++];
                i->counters = c;
                i->is_counted = before ? before->is_counted : is_counted(c.name);
                if (before) {
                        i->rx_bytes_per_s = rate(before->counters.rx_bytes, c.rx_bytes, span_us);
                        i->tx_bytes_per_s = rate(before->counters.tx_bytes, c.tx_bytes, span_us);
                }
                if (!i->is_counted)
                        continue;
                now->rx_bytes += c.rx_bytes;
                now->tx_bytes += c.tx_bytes;
                now->rx_bytes_per_s += i->rx_bytes_per_s;
                now->tx_bytes_per_s += i->tx_bytes_per_s;
        }
        now->rates_are_known = span_us > 0;
}

/* ---- file systems ---- */

static bool look_at_path(const char *path, struct statvfs *ret, dev_t *ret_device) {
        _hv_cleanup_free_ char *at = hv_strdup(path);
        struct stat st;

        while (statvfs(at, ret) < 0 || stat(at, &st) < 0) {
                char *slash = strrchr(at, '/');

                if (errno != ENOENT || !slash || hv_streq(at, "/"))
                        return false;
                slash[slash == at] = '\0';
        }
        *ret_device = st.st_dev;
        return true;
}

static void look_at_disks(struct hv_host_sampler *s, struct hv_host_sample *now) {
        dev_t seen[HV_FILE_SYSTEMS_MAX];

        now->n_file_systems = 0;
        for (size_t i = 0; i < s->n_watched; i++) {
                size_t place = 0;
                struct statvfs fs;
                dev_t device;

                s->places[i] = NOWHERE;
                if (!s->watched[i] || !look_at_path(s->watched[i], &fs, &device))
                        continue;
                while (place < now->n_file_systems && seen[place] != device)
                        place++;
                s->places[i] = place;
                if (place < now->n_file_systems)
                        continue;
                seen[now->n_file_systems] = device;
                now->file_systems[now->n_file_systems++] = (struct hv_file_system){
                        .use = s->uses[i],
                        .path = s->watched[i],
                        .total_bytes = (uint64_t) fs.f_blocks * fs.f_frsize,
                        .available_bytes = (uint64_t) fs.f_bavail * fs.f_frsize,
                        .n_files = fs.f_files,
                        .n_files_free = fs.f_favail,
                        .used_bytes = (uint64_t) (fs.f_blocks - fs.f_bfree) * fs.f_frsize,
                };
        }
}

void hv_host_sampler_look_at_disks(struct hv_host_sampler *s) {
        look_at_disks(s, &s->last);
}

const struct hv_file_system *hv_host_sampler_file_system(const struct hv_host_sampler *s, const char *use) {
        for (size_t i = 0; i < s->n_watched; i++)
                if (hv_streq(s->uses[i], use) && s->places[i] < s->last.n_file_systems)
                        return &s->last.file_systems[s->places[i]];
        return NULL;
}

double hv_host_disk_percent(const struct hv_host_sample *s, const struct hv_file_system **ret_fullest) {
        double most = 0;

        for (size_t i = 0; i < s->n_file_systems; i++) {
                const struct hv_file_system *f = &s->file_systems[i];
                double used = f->total_bytes
                                      ? 100.0 * (1.0 - (double) f->available_bytes / (double) f->total_bytes)
                                      : 0;

                if (i > 0 && used <= most)
                        continue;
                most = used;
                if (ret_fullest)
                        *ret_fullest = f;
        }
        return most;
}

/* ---- life ---- */

struct hv_host_sampler *hv_host_sampler_new(const char *thermal) {
        struct hv_host_sampler *s = HV_NEW(struct hv_host_sampler);

        for (size_t i = 0; i < N_SOURCES; i++)
                s->sources[i] = open(paths[i], O_RDONLY | O_CLOEXEC);
        read_model(s);
        open_zones(s, thermal ? thermal : THERMAL);
        s->proc_folders = calibrate_processes();
        return s;
}

struct hv_host_sampler *hv_host_sampler_free(struct hv_host_sampler *s) {
        if (!s)
                return NULL;
        for (size_t i = 0; i < N_SOURCES; i++)
                if (s->sources[i] >= 0)
                        (void) close(s->sources[i]);
        for (size_t i = 0; i < s->n_zones; i++)
                (void) close(s->zones[i]);
        for (size_t i = 0; i < s->n_watched; i++)
                free(s->watched[i]);
        free(s);
        return NULL;
}

void hv_host_sampler_watch(struct hv_host_sampler *s, const char *use, const char *path) {
        size_t i = 0;

        while (i < s->n_watched && !hv_streq(s->uses[i], use))
                i++;
        if (i == HV_FILE_SYSTEMS_MAX || (i < s->n_watched && hv_streq(s->watched[i], path)))
                return;
        s->last.n_file_systems = 0; /* it borrows the paths */
        s->places[i] = NOWHERE;
        if (i == s->n_watched)
                s->n_watched++;
        free(s->watched[i]);
        s->uses[i] = use;
        s->watched[i] = hv_strdup(path);
}

void hv_host_sampler_look(struct hv_host_sampler *s, uint64_t at_us, uint64_t wall_us) {
        struct hv_host_sample now = { .at_us = at_us, .wall_us = wall_us };
        char text[FILE_SIZE];

        look_at_cpu(s, &now);
        if (read_text(s->sources[SOURCE_MEMORY], text))
                (void) hv_host_memory(text, &now.memory);
        if (read_text(s->sources[SOURCE_LOAD], text))
                (void) hv_host_load(text, &now.load);
        now.n_processes = look_at_processes(s);
        look_at_pressure(s, &now);
        look_at_temperature(s, &now);
        look_at_network(s, &now);
        look_at_disks(s, &now);
        s->last = now;
        s->has_looked = true;
}

const struct hv_host_sample *hv_host_sampler_last(const struct hv_host_sampler *s) {
        return s->has_looked ? &s->last : NULL;
}
