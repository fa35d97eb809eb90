#include "cli/doctor.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "json/write.h"

#define STATE_DIR_DEFAULT "/var/lib/hivelet"

const char *hv_check_state_name(enum hv_check_state state) {
        static const char *const names[] = {
                [HV_CHECK_OK] = "ok",
                [HV_CHECK_SKIP] = "skip",
                [HV_CHECK_WARN] = "warn",
                [HV_CHECK_FAIL] = "fail",
        };

        return names[state];
}

void hv_doctor_done(struct hv_doctor *d) {
        hv_json_free(d->version);
        hv_json_free(d->status);
        hv_json_free(d->node);
        hv_json_free(d->sources);
        hv_json_free(d->tunnels);
        hv_json_free(d->why);
        hv_diags_free(d->diags);
        hv_desired_unref(d->desired);
        for (size_t i = 0; i < d->lines.n; i++) {
                free(d->lines.v[i].found);
                free(d->lines.v[i].fix);
        }
        hv_vec_done(&d->lines);
}

void hv_doctor_say(struct hv_doctor *d, const char *name, enum hv_check_state state, const char *fix,
                   const char *fmt, ...) {
        struct hv_check_line line = { .name = name, .state = state, .fix = hv_strdup(fix) };
        struct hv_buf found = {};
        va_list ap;

        va_start(ap, fmt);
        hv_buf_vprintf(&found, fmt, ap);
        va_end(ap);
        line.found = hv_buf_steal(&found);
        hv_vec_push(&d->lines, line);
}

enum hv_check_state hv_doctor_worst(const struct hv_doctor *d) {
        enum hv_check_state worst = HV_CHECK_OK;

        for (size_t i = 0; i < d->lines.n; i++)
                worst = HV_MAX(worst, d->lines.v[i].state);
        return worst;
}

/* One line each, whatever they were told: an indent would be lost in the middle of a text from elsewhere. */
static void put_flat(struct hv_buf *buf, bool is_tty, const char *text) {
        _hv_cleanup_(hv_buf_done) struct hv_buf flat = {};

        for (const char *p = text; *p; p++)
                hv_buf_putc(&flat, *p == '\n' || *p == '\t' ? ' ' : *p);
        hv_terminal_puts(buf, is_tty, hv_buf_str(&flat));
}

void hv_doctor_text(const struct hv_doctor *d, bool color, bool is_tty, struct hv_buf *ret) {
        static const enum hv_tint tints[] = {
                [HV_CHECK_OK] = HV_TINT_GOOD,
                [HV_CHECK_SKIP] = HV_TINT_NONE,
                [HV_CHECK_WARN] = HV_TINT_BUSY,
                [HV_CHECK_FAIL] = HV_TINT_BAD,
        };
        unsigned n[HV_CHECK_FAIL + 1] = {};

        for (size_t i = 0; i < d->lines.n; i++) {
                const struct hv_check_line *line = &d->lines.v[i];

                n[line->state]++;
                hv_buf_putc(ret, '[');
                hv_output_tint(ret, color, tints[line->state], hv_check_state_name(line->state));
                hv_buf_printf(ret, "]%*s %-10s ", line->state == HV_CHECK_OK ? 2 : 0, "", line->name);
                put_flat(ret, is_tty, line->found);
                hv_buf_putc(ret, '\n');
                if (line->fix) {
                        hv_buf_printf(ret, "%18s-> ", "");
                        put_flat(ret, is_tty, line->fix);
                        hv_buf_putc(ret, '\n');
                }
        }
        hv_buf_printf(ret, "\nfailed %u, warnings %u, good %u, skipped %u\n", n[HV_CHECK_FAIL],
                      n[HV_CHECK_WARN], n[HV_CHECK_OK], n[HV_CHECK_SKIP]);
}

void hv_doctor_json(const struct hv_doctor *d, struct hv_buf *ret) {
        struct hv_json_writer w = { .buf = ret };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "apiVersion", "hivelet/v1");
        hv_json_put_str(&w, "kind", "Checkup");
        hv_json_put_str(&w, "worst", hv_check_state_name(hv_doctor_worst(d)));
        hv_json_begin_array(&w, "items");
        for (size_t i = 0; i < d->lines.n; i++) {
                hv_json_begin_object(&w, NULL);
                hv_json_put_str(&w, "name", d->lines.v[i].name);
                hv_json_put_str(&w, "state", hv_check_state_name(d->lines.v[i].state));
                hv_json_put_str(&w, "found", d->lines.v[i].found);
                hv_json_put_str(&w, "fix", d->lines.v[i].fix);
                hv_json_end(&w);
        }
        hv_json_end(&w);
        hv_json_end(&w);
}

const struct hv_json *hv_doctor_condition(const struct hv_doctor *d, const char *type) {
        const struct hv_json *all = hv_json_get(d->status, "conditions");

        for (size_t i = 0; i < hv_json_size(all); i++)
                if (hv_streq(hv_json_str(hv_json_at(all, i), "type"), type))
                        return hv_json_at(all, i);
        return NULL;
}

const char *hv_doctor_state_dir(const struct hv_doctor *d) {
        const char *told = hv_json_str(hv_json_get(d->node, "paths"), "state");

        return told ? told : STATE_DIR_DEFAULT;
}

char *hv_doctor_work_dir(const struct hv_doctor *d) {
        const char *told = hv_json_str(hv_json_get(d->node, "paths"), "work");

        if (!told && d->desired)
                told = d->desired->settings.work_dir;
        return told ? hv_strdup(told) : hv_asprintf("%s/tasks", hv_doctor_state_dir(d));
}

const char *hv_doctor_log_dir(const struct hv_doctor *d) {
        if (d->node)
                return hv_json_str(hv_json_get(d->node, "paths"), "log");
        return d->desired ? d->desired->settings.log.dir : NULL;
}

int hv_doctor_source_address(const struct sockaddr *to, socklen_t len, struct sockaddr_storage *ret) {
        _hv_cleanup_(hv_fd_closep) int fd = socket(to->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        socklen_t size = sizeof *ret;

        /* Of a datagram socket connect() asks the routing table, and sends nothing (ip(7)). */
        if (fd < 0 || connect(fd, to, len) < 0 || getsockname(fd, (struct sockaddr *) ret, &size) < 0)
                return -errno;
        return 0;
}
