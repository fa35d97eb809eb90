/* hivectl rollout status: how far the containers of a service are made as it is declared now. */
#include "base/alloc.h"
#include "cli/output.h"
#include "cli/wait.h"

enum progress {
        IS_DONE,
        IS_UNDER_WAY,
        IS_GOING_WRONG, /* and tried again */
        HAS_FAILED,
};

struct rollout {
        struct hv_cli *cli;
        const char *name;
        struct hv_buf shown; /* what --watch showed last */
        bool is_watched;
};

static bool is_made_anew(const struct hv_json *unit) {
        const char *digest = hv_json_str(unit, "digest");

        return digest && hv_streq(digest, hv_json_str(unit, "wantedDigest"));
}

static enum progress judge(const struct hv_json *status) {
        const struct hv_json *units = hv_json_get(status, "units");
        bool is_all = hv_json_int(status, "replicasUpdated", 0) >= hv_json_int(status, "replicas", 0);
        enum progress p = is_all && hv_json_bool(status, "inSync", false) ? IS_DONE : IS_UNDER_WAY;

        for (size_t i = 0; i < hv_json_size(units); i++) {
                const char *phase = hv_json_str(hv_json_at(units, i), "phase");

                if (hv_streq(phase, "Failed"))
                        return HAS_FAILED;
                if (hv_streq(phase, "BackOff"))
                        p = IS_GOING_WRONG;
        }
        return p;
}

/* ---- in words ---- */

static void put_unit(struct hv_buf *text, const struct hv_json *unit) {
        const char *reason = hv_json_str(unit, "reason"), *message = hv_json_str(unit, "message"),
                   *container = hv_json_str(unit, "container"), *phase = hv_json_str(unit, "phase");
        bool says_it = hv_streq(reason, phase);

        if (is_made_anew(unit) && hv_json_bool(unit, "inSync", false))
                return;
        hv_buf_printf(text, "  %s, %s: %s%s%s%s%s\n", container ? container : "",
                      !hv_json_str(unit, "wantedDigest") ? "not wanted any more"
                      : is_made_anew(unit)               ? "new"
                      : hv_json_str(unit, "id")          ? "old"
                                                         : "not there",
                      phase ? phase : "", reason && !says_it ? ", " : "", reason && !says_it ? reason : "",
                      hv_str_empty(message) ? "" : ": ", message ? message : "");
}

static void put_status(struct hv_buf *text, const char *name, const struct hv_json *status) {
        static const char *const words[] = {
                [IS_DONE] = "done",
                [IS_UNDER_WAY] = "under way",
                [IS_GOING_WRONG] = "goes wrong, and is tried again",
                [HAS_FAILED] = "failed",
        };
        const struct hv_json *units = hv_json_get(status, "units"), *paused = hv_json_get(status, "paused");
        const char *by = hv_json_str(paused, "by"), *reason = hv_json_str(paused, "reason");
        enum progress p = judge(status);

        hv_buf_printf(text, "service %s: %s; %lld of %lld replicas as declared now, %lld ready\n", name,
                      by && p == IS_UNDER_WAY ? "paused" : words[p],
                      (long long) hv_json_int(status, "replicasUpdated", 0),
                      (long long) hv_json_int(status, "replicas", 0),
                      (long long) hv_json_int(status, "replicasReady", 0));
        if (by) {
                hv_buf_printf(text, "  paused by %s%s%s; until hivectl rollout resume", by,
                              reason ? ": " : "", reason ? reason : "");
                hv_buf_putc(text, '\n');
        }
        for (size_t i = 0; i < hv_json_size(units); i++)
                put_unit(text, hv_json_at(units, i));
}

static void show(struct rollout *r, const struct hv_json *status) {
        enum hv_output_format format = hv_cli_output(r->cli, HV_OUTPUT_TEXT);
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};

        put_status(&text, r->name, status);
        if (r->is_watched && hv_streq(hv_buf_str(&text), hv_buf_str(&r->shown)))
                return;
        if (hv_output_is_document(format))
                hv_output_document(r->cli, status, format);
        else
                hv_output_text(r->cli, &text);
        (void) fflush(stdout);
        hv_buf_clear(&r->shown);
        hv_buf_puts(&r->shown, hv_buf_str(&text));
}

/* ---- looking ---- */

/* The exit code, or -1: the wait goes on. */
static int on_look(void *userdata, const struct hv_json *status) {
        struct rollout *r = userdata;
        enum progress p = judge(status);
        bool is_over = p == IS_DONE || p == HAS_FAILED;

        if (is_over || r->is_watched)
                show(r, status);
        return !is_over ? -1 : p == IS_DONE ? HV_EXIT_OK : HV_EXIT_ERROR;
}

static int wait_for_it(struct rollout *r) {
        const struct hv_cli_options *o = &r->cli->options;
        const struct hv_cli_object object = { .kind = HV_KIND_SERVICE, .name = r->name };
        const struct hv_wait wait = {
                .object = &object,
                .judge = on_look,
                .userdata = r,
                .timeout_us = hv_option_is_given(o, HV_OPT_TIMEOUT) ? o->timeout_us : 0,
        };

        return hv_cli_wait(r->cli, &wait);
}

/* The files say what the node went back from: what is rolled out is not what they say. */
static bool is_rolled_back(struct hv_cli *cli) {
        _hv_cleanup_(hv_json_freep) struct hv_json *node = NULL;
        const struct hv_json *confirm;

        if (hv_cli_get(cli, "/api/v1/status", &node) != HV_EXIT_OK)
                return false;
        confirm = hv_json_get(node, "confirm");
        if (!hv_json_bool(confirm, "filesHeldOff", false))
                return false;
        hv_cli_note(cli, "rolled back: the node runs revision %.8s again, and the files say something else",
                    hv_json_str(confirm, "goesBackTo") ? hv_json_str(confirm, "goesBackTo") : "");
        return true;
}

static int look_once(struct rollout *r) {
        _hv_cleanup_(hv_json_freep) struct hv_json *status = NULL;
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        enum progress p;
        int code;

        hv_buf_puts(&path, "/api/v1/services/");
        hv_cli_escape_path(&path, r->name);
        hv_buf_puts(&path, "/status");
        code = hv_cli_get(r->cli, hv_buf_str(&path), &status);
        if (code != HV_EXIT_OK)
                return code;
        show(r, status);
        p = judge(status);
        if (is_rolled_back(r->cli) || p == HAS_FAILED || p == IS_GOING_WRONG)
                return HV_EXIT_ERROR;
        return p == IS_DONE ? HV_EXIT_OK : HV_EXIT_PENDING;
}

int hv_cmd_rollout_status(struct hv_cli *cli) {
        struct rollout r = { .cli = cli, .is_watched = hv_option_is_given(&cli->options, HV_OPT_WATCH) };
        _hv_cleanup_free_ char *name = NULL;
        int code = hv_cli_service(cli, "rollout status", &name);

        if (code != HV_EXIT_OK)
                return code;
        r.name = name;
        code = r.is_watched || hv_option_is_given(&cli->options, HV_OPT_WAIT) ? wait_for_it(&r)
                                                                              : look_once(&r);
        hv_buf_done(&r.shown);
        return code;
}
