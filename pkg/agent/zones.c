/* agent/zones.c - the time zones of cron tasks and quiet hours: read here, understood by base/zone.h, used by the core. */
#include <errno.h>
#include <fcntl.h>

#include "agent/private.h"
#include "base/alloc.h"
#include "base/fd.h"
#include "base/zone.h"
#include "log/log.h"

#define ZONE_DIR "/usr/share/zoneinfo" /* tzfile(5) */
#define LOCAL_ZONE "/etc/localtime"    /* localtime(5) */
#define ZONE_MAX_BYTES (64u << 10)     /* the largest of tzdata 2024 has 4 KiB */

/* The name is one of the table in pkg/spec, so it leads nowhere else. */
struct hv_zone *hv_agent_zone_read(const char *name, struct hv_err *err) {
        _hv_cleanup_free_ char *path = name ? hv_asprintf(ZONE_DIR "/%s", name) : hv_strdup(LOCAL_ZONE),
                               *bytes = hv_malloc(ZONE_MAX_BYTES);
        _hv_cleanup_(hv_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct hv_zone *zone = NULL;
        ssize_t n = fd < 0 ? -1 : read(fd, bytes, ZONE_MAX_BYTES);

        if (n < 0)
                (void) hv_err_errno(err, -errno, "cannot read %s", path);
        else if (hv_zone_parse(bytes, (size_t) n, &zone, err) < 0)
                (void) hv_err_prefix(err, err->code, "%s", path);
        return zone;
}

static void need(struct hv_agent *a, const char *name, const char *whose) {
        struct hv_input in = { .type = HV_INPUT_ZONE, .text = name };
        struct hv_err err = {};

        if (hv_str_empty(name) || hv_streq(name, "UTC"))
                return;
        in.zone = hv_agent_zone_read(name, &err);
        if (in.zone)
                (void) hv_agent_input(a, &in, NULL);
        else
                (void) hv_log_error(err.code, "%s: %s", whose, err.msg);
}

void hv_agent_zones_need(struct hv_agent *a, const struct hv_desired *d) {
        for (size_t i = 0; i < d->n_cron_tasks; i++) {
                _hv_cleanup_free_ char *whose = hv_asprintf("cron task %s waits", d->cron_tasks[i].name);

                need(a, d->cron_tasks[i].zone, whose);
        }
        for (size_t i = 0; i < d->settings.n_quiet_hours; i++)
                need(a, d->settings.quiet_hours[i].zone, "quiet hours are not kept");
}
