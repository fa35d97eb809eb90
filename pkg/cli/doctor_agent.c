/* Is the agent there, is it the one that this hivectl is of, and what does it say of itself? */
#include "cli/doctor.h"

#include <errno.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "base/alloc.h"
#include "base/version.h"

#define UNIT "hivelet.service"
#define OBJECTS_TOLD 5

static const char *fix_of_silence(int code) {
        switch (code) {
        case -ENOENT:
                return "systemctl start hivelet; an agent with another --run-dir: hivectl --socket PATH doctor";
        case -EACCES:
                return "sudo hivectl doctor, or become a member of the socket's group (ls -l says which)";
        case -ETIMEDOUT:
                return "journalctl -u hivelet -n 50; systemctl restart hivelet (containers go on)";
        default:
                return "systemctl restart hivelet; journalctl -u hivelet -n 50 says why it ended";
        }
}

void hv_doctor_agent(struct hv_doctor *d) {
        const char *version = hv_json_str(d->version, "version");

        if (!d->version) {
                hv_doctor_say(d, "agent", HV_CHECK_FAIL, fix_of_silence(d->silence), "%s", d->why_silent.msg);
                return;
        }
        hv_doctor_say(d, "agent", HV_CHECK_OK, NULL, "answers, node %s",
                      hv_json_str(d->status, "nodeId") ? hv_json_str(d->status, "nodeId") : "without a name");
        if (hv_streq(version, hv_version()))
                hv_doctor_say(d, "version", HV_CHECK_OK, NULL, "%s, as hivectl", version);
        else
                hv_doctor_say(d, "version", HV_CHECK_WARN,
                              "systemctl restart hivelet, so that the installed one runs; containers go on",
                              "the agent is %s, hivectl %s", version ? version : "of an unknown version",
                              hv_version());
}

/* ---- the unit ---- */

struct unit {
        char *load, *active, *sub, *file, *result;
};

static void unit_done(struct unit *u) {
        free(u->load);
        free(u->active);
        free(u->sub);
        free(u->file);
        free(u->result);
}

static void get(sd_bus *bus, const char *path, const char *interface, const char *name, char **ret) {
        if (sd_bus_get_property_string(bus, "org.freedesktop.systemd1", path, interface, name, NULL, ret) < 0)
                *ret = NULL;
}

/* LoadUnit, not GetUnit: one that is not running is no error. */
static int read_unit(struct unit *ret) {
        sd_bus_message *reply = NULL;
        sd_bus *bus = NULL;
        const char *path;
        int r = sd_bus_open_system(&bus);

        if (r >= 0)
                r = sd_bus_call_method(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                       "org.freedesktop.systemd1.Manager", "LoadUnit", NULL, &reply, "s",
                                       UNIT);
        if (r >= 0)
                r = sd_bus_message_read(reply, "o", &path);
        if (r >= 0) {
                get(bus, path, "org.freedesktop.systemd1.Unit", "LoadState", &ret->load);
                get(bus, path, "org.freedesktop.systemd1.Unit", "ActiveState", &ret->active);
                get(bus, path, "org.freedesktop.systemd1.Unit", "SubState", &ret->sub);
                get(bus, path, "org.freedesktop.systemd1.Unit", "UnitFileState", &ret->file);
                get(bus, path, "org.freedesktop.systemd1.Service", "Result", &ret->result);
        }
        sd_bus_message_unref(reply);
        sd_bus_flush_close_unref(bus);
        return r;
}

void hv_doctor_judge_unit(struct hv_doctor *d, const struct hv_doctor_unit *u) {
        if (hv_streq(u->load, "not-found")) {
                hv_doctor_say(d, "unit", d->version ? HV_CHECK_SKIP : HV_CHECK_WARN,
                              d->version ? NULL : "install the package, or deploy/install.sh",
                              "%s is not installed", UNIT);
        } else if (hv_streq(u->active, "failed")) {
                hv_doctor_say(d, "unit", HV_CHECK_FAIL,
                              "journalctl -u hivelet -n 50 says why; then systemctl reset-failed hivelet, "
                              "systemctl start hivelet",
                              "%s failed: %s", UNIT, u->result ? u->result : "no reason is told");
        } else if (!hv_streq(u->active, "active")) {
                hv_doctor_say(d, "unit", d->version ? HV_CHECK_WARN : HV_CHECK_FAIL,
                              "systemctl enable --now hivelet", "%s is %s (%s)", UNIT, u->active,
                              u->sub ? u->sub : "?");
        } else if (!hv_streq(u->file, "enabled")) {
                hv_doctor_say(d, "unit", HV_CHECK_WARN, "systemctl enable hivelet",
                              "%s runs, but does not start with the machine (%s)", UNIT,
                              u->file ? u->file : "?");
        } else
                hv_doctor_say(d, "unit", HV_CHECK_OK, NULL, "%s is active and enabled", UNIT);
}

void hv_doctor_unit(struct hv_doctor *d) {
        _hv_cleanup_(unit_done) struct unit u = {};

        if (sd_booted() <= 0)
                hv_doctor_say(d, "unit", HV_CHECK_SKIP, NULL, "systemd does not run this machine");
        else if (read_unit(&u) < 0 || !u.active)
                hv_doctor_say(d, "unit", HV_CHECK_SKIP, NULL, "systemd cannot be asked");
        else
                hv_doctor_judge_unit(d,
                                     &(struct hv_doctor_unit){ u.load, u.active, u.sub, u.file, u.result });
}

/* ---- the desired state ---- */

static bool is_about_a_mode(const struct hv_diag *f) {
        return hv_streq(f->code, "E0323") || hv_streq(f->code, "E0009");
}

static void tell_finding(struct hv_doctor *d, const char *name, const struct hv_diag *f, size_t n_others) {
        hv_doctor_say(
                d, name, f->severity == HV_SEVERITY_ERROR ? HV_CHECK_FAIL : HV_CHECK_WARN,
                is_about_a_mode(f) ? "chmod 600 FILE, chown root FILE: nobody else may read what is secret"
                : f->hint          ? f->hint
                                   : "hivectl validate shows the line; docs/errors.md explains each code",
                "%s:%u: %s: %s%s%s", f->file, f->line, f->code, f->path, *f->path ? ": " : "", f->message);
        if (n_others > 0)
                hv_doctor_say(d, name, HV_CHECK_SKIP, NULL, "and %zu more findings: hivectl validate",
                              n_others);
}

/* What the agent says of files that this user may not read, or that changed since. */
static bool tell_refusal(struct hv_doctor *d) {
        const struct hv_json *valid = hv_doctor_condition(d, "ConfigValid");

        if (!valid || !hv_streq(hv_json_str(valid, "status"), "False"))
                return false;
        hv_doctor_say(d, "config", HV_CHECK_FAIL,
                      "hivectl validate shows the line; what was in force before stays so until it is mended",
                      "%s", hv_json_str(valid, "message"));
        return true;
}

void hv_doctor_config(struct hv_doctor *d) {
        const struct hv_diag *all, *worst = NULL, *mode = NULL;
        size_t n = 0, n_others = 0;

        if (!d->has_files) {
                if (d->status && !tell_refusal(d))
                        hv_doctor_say(d, "config", HV_CHECK_OK, NULL, "the agent has taken it");
                else if (!d->status)
                        hv_doctor_say(
                                d, "config", HV_CHECK_FAIL,
                                "write /etc/hivelet/node.yaml (docs/quickstart.md), or name the file with -f",
                                "%s", d->why_no_files.msg);
                return;
        }
        all = hv_diags_all(d->diags, &n);
        for (size_t i = 0; i < n; i++) {
                if (is_about_a_mode(&all[i])) {
                        mode = mode ? mode : &all[i];
                        continue;
                }
                n_others++;
                if (!worst || all[i].severity < worst->severity)
                        worst = &all[i];
        }
        if (worst)
                tell_finding(d, "config", worst, n_others - 1);
        else if (mode || !tell_refusal(d))
                hv_doctor_say(d, "config", HV_CHECK_OK, NULL, "valid");
        if (mode)
                tell_finding(d, "secrets", mode, 0);
        else
                hv_doctor_say(d, "secrets", HV_CHECK_OK, NULL,
                              "files that hold secrets are their owner's alone");
}

/* ---- what the node says of itself ---- */

static const struct {
        const char *type, *name, *fix;
} conditions[] = {
        { "Converged", "workloads",
          "hivectl why tells what is in the way; hivectl why TYPE/NAME, hivectl logs NAME, hivectl task logs ID" },
        { "Listening", "ports", "ss -ltnp shows who has it; http.listen names another address" },
        { "Admitting", "resources",
          "hivectl top shows who takes it; hivectl fit -f TASK, hivectl why node; tasks wait until there is room" },
        { "DiskSufficient", "disk",
          "hivectl gc --dry-run, hivectl gc; docker system df for what is not hivelet's" },
        { "Preloaded", "images", "hivectl get images; registries and their secrets: hivectl get registries" },
        { "Capped", "caps", "hivectl why node; docs/resources.md tells what the kernel must have" },
};

/* The first few that are not as wished; hivectl why has all. */
static void tell_objects(struct hv_doctor *d) {
        const struct hv_json *items = hv_json_get(d->why, "items");

        for (size_t i = 0; i < HV_MIN(hv_json_size(items), (size_t) OBJECTS_TOLD); i++) {
                const struct hv_json *item = hv_json_at(items, i), *units = hv_json_get(item, "units");
                const char *kind = hv_kind_label(hv_kind_parse(hv_json_str(item, "kind"))),
                           *name = hv_json_str(item, "name"), *blocking = hv_json_str(item, "blocking");
                _hv_cleanup_free_ char *fix = hv_asprintf("hivectl why %s/%s; hivectl describe %s/%s", kind,
                                                          name ? name : "", kind, name ? name : "");

                for (size_t k = 0; !blocking && k < hv_json_size(units); k++)
                        blocking = hv_json_str(hv_json_at(units, k), "blocking");
                hv_doctor_say(d, "workloads", HV_CHECK_WARN, fix, "%s/%s: %s", kind, name ? name : "",
                              blocking ? blocking : "not as wished yet");
        }
}

void hv_doctor_node(struct hv_doctor *d) {
        const struct hv_json *parked = hv_json_get(d->status, "parked"),
                             *engine = hv_json_get(d->status, "engine");
        bool engine_is_down = !hv_streq(hv_json_str(engine, "state"), "Ready");

        for (size_t i = 0; d->status && i < HV_ARRAY_SIZE(conditions); i++) {
                const struct hv_json *c = hv_doctor_condition(d, conditions[i].type);
                const char *message = hv_json_str(c, "message");
                bool is_false = hv_streq(hv_json_str(c, "status"), "False");

                if (!c || (i == 0 && engine_is_down)) /* that is told as the engine's */
                        continue;
                if (i == 0 && hv_json_str(parked, "revision"))
                        hv_doctor_say(
                                d, "workloads", HV_CHECK_WARN,
                                "hivectl plan shows what would go; hivectl apply --accept-prune REVISION",
                                "%s", message);
                else
                        hv_doctor_say(d, conditions[i].name,
                                      is_false ? i == 1 ? HV_CHECK_FAIL : HV_CHECK_WARN : HV_CHECK_OK,
                                      is_false ? conditions[i].fix : NULL, "%s", message ? message : "?");
                if (i == 0 && is_false)
                        tell_objects(d);
        }
}
