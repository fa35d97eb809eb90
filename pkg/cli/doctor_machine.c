/* What the machine gives: a place to work in, room on the disk, the time, cgroups. */
#include "cli/doctor.h"

#include <errno.h>
#include <linux/magic.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "host/disk_space.h"

#define DISK_BAD_PERCENT 90 /* as /health */
#define DISK_HIGH_PERCENT 85
#define TOO_LONG_AGO 1704067200 /* 2024-01-01: no machine with this program was there before */

static void look_at_folder(struct hv_doctor *d, const char *name, const char *path, bool is_private,
                           const char *fix) {
        struct stat st;

        if (stat(path, &st) < 0 && errno == ENOENT)
                hv_doctor_say(d, name, HV_CHECK_SKIP, NULL, "%s is not there yet; the agent makes it", path);
        else if (errno == EACCES && stat(path, &st) < 0)
                hv_doctor_say(d, name, HV_CHECK_SKIP, NULL, "%s may not be looked at by this user", path);
        else if (stat(path, &st) < 0)
                hv_doctor_say(d, name, HV_CHECK_FAIL, fix, "%s: %s", path, strerror(errno));
        else if (!S_ISDIR(st.st_mode))
                hv_doctor_say(d, name, HV_CHECK_FAIL, fix, "%s is no directory", path);
        else if (is_private && (st.st_mode & 077))
                hv_doctor_say(d, name, HV_CHECK_FAIL, "chmod 700 DIRECTORY: it holds keys and results",
                              "%s has mode %04o: others may look into it", path, st.st_mode & 07777u);
        else
                hv_doctor_say(d, name, HV_CHECK_OK, NULL, "%s", path);
}

static void look_at_disk(struct hv_doctor *d, const char *path) {
        struct hv_disk_space space;
        struct hv_err err = {};
        unsigned used;

        if (hv_disk_space_read(path, &space, &err) < 0) {
                hv_doctor_say(d, "disk", HV_CHECK_WARN, "df -h; findmnt shows a mount that does not answer",
                              "%s", err.msg);
                return;
        }
        used = hv_disk_space_used_percent(&space);
        hv_doctor_say(d, "disk",
                      used > DISK_BAD_PERCENT    ? HV_CHECK_FAIL
                      : used > DISK_HIGH_PERCENT ? HV_CHECK_WARN
                                                 : HV_CHECK_OK,
                      used > DISK_HIGH_PERCENT
                              ? "hivectl gc --dry-run, hivectl gc; du -xsh for what is not hivelet's"
                              : NULL,
                      "%u%% of the disk of %s is used", used, path);
}

void hv_doctor_judge_clock(struct hv_doctor *d, time_t now, const struct timex *t, int error) {
        if (now < TOO_LONG_AGO)
                hv_doctor_say(d, "clock", HV_CHECK_FAIL, "timedatectl set-ntp true; date",
                              "it is far behind: certificates will not be taken");
        else if (error)
                hv_doctor_say(d, "clock", HV_CHECK_SKIP, NULL, "the kernel does not say: %s",
                              strerror(error));
        else if (t->status & STA_UNSYNC)
                hv_doctor_say(d, "clock", HV_CHECK_WARN,
                              "timedatectl set-ntp true; timedatectl timesync-status",
                              "nothing keeps it in step");
        else
                hv_doctor_say(d, "clock", HV_CHECK_OK, NULL, "in step");
}

static void look_at_clock(struct hv_doctor *d) {
        struct timex t = {};
        int error = adjtimex(&t) < 0 ? errno : 0;

        hv_doctor_judge_clock(d, time(NULL), &t, error);
}

static void look_at_cgroups(struct hv_doctor *d) {
        struct statfs root, unified;

        if (statfs("/sys/fs/cgroup", &root) < 0)
                hv_doctor_say(d, "cgroup", HV_CHECK_FAIL, "mount /sys/fs/cgroup, as systemd does",
                              "no cgroups are mounted: limits cannot hold");
        else if (root.f_type == CGROUP2_SUPER_MAGIC)
                hv_doctor_say(d, "cgroup", HV_CHECK_OK, NULL, "version 2");
        else
                hv_doctor_say(d, "cgroup", HV_CHECK_OK, NULL,
                              "version 1%s; figures of pressure are version 2's",
                              statfs("/sys/fs/cgroup/unified", &unified) == 0 ? " and 2 beside it" : "");
}

/* An agent that runs says itself whether it has its port; of one that does not, somebody else may have it. */
static void look_at_port(struct hv_doctor *d) {
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
                                        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
        const char *listen_at = d->desired ? d->desired->settings.http_listen : NULL,
                   *colon = listen_at ? strrchr(listen_at, ':') : NULL;
        size_t len = colon ? (size_t) (colon - listen_at) : 0;
        _hv_cleanup_free_ char *host = NULL;
        struct addrinfo *found = NULL;
        int fd, yes = 1;

        if (d->status || !colon)
                return;
        host = *listen_at == '[' ? hv_strndup(listen_at + 1, len - 2) : hv_strndup(listen_at, len);
        if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
                return;
        fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (fd >= 0 && bind(fd, found->ai_addr, found->ai_addrlen) < 0)
                hv_doctor_say(d, "ports", HV_CHECK_FAIL,
                              "ss -ltnp shows who has it; http.listen names another address",
                              "%s cannot be listened on: %s", listen_at, strerror(errno));
        else
                hv_doctor_say(d, "ports", HV_CHECK_OK, NULL, "%s is free", listen_at);
        (void) close(fd);
        freeaddrinfo(found);
}

void hv_doctor_machine(struct hv_doctor *d) {
        _hv_cleanup_free_ char *work = hv_doctor_work_dir(d);

        look_at_folder(d, "state", hv_doctor_state_dir(d), true,
                       "move away what is there: the agent makes it");
        look_at_folder(
                d, "work", work, false,
                "node.paths.work (WORK_DIR) must name a directory; hivectl task show ID prints a task's own");
        look_at_disk(d, work);
        look_at_port(d);
        look_at_clock(d);
        look_at_cgroups(d);
}
