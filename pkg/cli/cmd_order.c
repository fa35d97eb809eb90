/* hivectl cordon, uncordon, hold, release, stop, start, restart, rollout pause, rollout resume, kill: what people ask of the node by hand. */
#include "base/alloc.h"
#include "base/parse.h"
#include "cli/cli_internal.h"
#include "cli/orders.h"
#include "cli/wait.h"
#include "json/write.h"

/* ---- of which service ---- */

struct target {
        struct hv_cli_object object;
        char *word; /* what `object.name` lies in */
        bool is_node;
};

static void target_done(struct target *t) {
        free(t->word);
}

/* "web", "service/web", "svc web", "web/2"; "node" where the node can be meant. HV_EXIT_OK or HV_EXIT_USAGE, told. */
static int read_target(struct hv_cli *cli, const char *verb, bool may_be_node, struct target *ret) {
        const struct hv_cli_options *o = &cli->options;
        enum hv_kind kind;
        char *slash;
        uint64_t n;

        if (o->n_args == 0)
                return hv_cli_usage(cli, "%s what? For example: hivectl %s %s", verb, verb,
                                    may_be_node ? "node, or hivectl hold web" : "web");
        ret->is_node = o->n_args == 1 && hv_streq(o->args[0], "node");
        if (ret->is_node)
                return may_be_node ? HV_EXIT_OK
                                   : hv_cli_usage(cli, "a node cannot be meant here, only a service");
        ret->word = hv_strdup(o->args[0]);
        slash = strchr(ret->word, '/');
        if (slash)
                *slash = '\0';
        kind = hv_kind_parse(ret->word);
        if (slash)
                *slash = '/';
        if (o->n_args == 2 || (slash && kind != HV_KIND_NONE && hv_cli_folder(kind))) {
                int r = hv_cli_object(cli, ret->word, o->n_args == 2 ? o->args[1] : NULL, &ret->object);

                if (r != HV_EXIT_OK)
                        return r;
        } else
                ret->object = (struct hv_cli_object){ .kind = HV_KIND_SERVICE, .name = ret->word };
        slash = strchr(ret->object.name, '/');
        if (!slash || ret->object.kind != HV_KIND_SERVICE)
                return HV_EXIT_OK;
        if (!hv_parse_uint(slash + 1, 1, 1000, &n))
                return hv_cli_usage(cli, "%s: a replica is a number from 1 on", slash + 1);
        *slash = '\0';
        ret->object.replica = (unsigned) n;
        return HV_EXIT_OK;
}

int hv_cli_service(struct hv_cli *cli, const char *verb, char **ret) {
        _hv_cleanup_(target_done) struct target t = {};
        int r = read_target(cli, verb, false, &t);

        if (r != HV_EXIT_OK)
                return r;
        if (t.object.kind != HV_KIND_SERVICE || t.object.replica)
                return hv_cli_usage(cli, "a whole service can be meant here, and nothing else");
        *ret = hv_strdup(t.object.name);
        return HV_EXIT_OK;
}

/* ---- asking ---- */

static int post(struct hv_cli *cli, const struct target *t, const char *what, const struct hv_buf *body,
                struct hv_json **ret) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};

        if (t->is_node)
                hv_buf_puts(&path, "/api/v1/node");
        else {
                hv_buf_puts(&path, "/api/v1/services/");
                hv_cli_escape_path(&path, t->object.name);
        }
        hv_buf_printf(&path, "/%s", what);
        return hv_cli_post(cli, hv_buf_str(&path), body, ret);
}

void hv_cli_put_reason(struct hv_cli *cli, struct hv_buf *body) {
        struct hv_json_writer w = { .buf = body };

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "reason", cli->options.reason);
        hv_json_end(&w);
}

/* `wait`: how it is waited for. */
static int give_and_wait(struct hv_cli *cli, const char *verb, bool may_be_node, const char *what,
                         const char *told, struct hv_wait wait) {
        _hv_cleanup_(target_done) struct target t = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        const struct hv_cli_options *o = &cli->options;
        int r = read_target(cli, verb, may_be_node, &t);

        if (r != HV_EXIT_OK)
                return r;
        if (!t.is_node && t.object.kind == HV_KIND_TASK)
                return hv_cli_usage(
                        cli, "a task is not started or held by hand: hivectl task retry runs one again");
        if (!t.is_node && t.object.kind != HV_KIND_SERVICE)
                return hv_cli_usage(cli, "only services can be meant here");
        if (t.object.replica)
                return hv_cli_usage(cli, "all replicas of a service, or none: hivectl %s %s", verb,
                                    t.object.name);
        hv_cli_put_reason(cli, &body);
        r = post(cli, &t, what, &body, NULL);
        if (r != HV_EXIT_OK)
                return r;
        if (t.is_node)
                hv_cli_note(cli, "the node is %s", told);
        else
                hv_cli_note(cli, "service %s is %s", t.object.name, told);
        if (!hv_option_is_given(o, HV_OPT_WAIT))
                return HV_EXIT_OK;
        wait.object = t.is_node ? NULL : &t.object;
        wait.timeout_us = hv_option_is_given(o, HV_OPT_TIMEOUT) ? o->timeout_us : 0;
        return hv_cli_wait(cli, &wait);
}

static int give(struct hv_cli *cli, const char *verb, bool may_be_node, const char *what, const char *told) {
        return give_and_wait(cli, verb, may_be_node, what, told, (struct hv_wait){});
}

int hv_cmd_hold(struct hv_cli *cli) {
        return give(cli, "hold", true, "hold", "held: nothing is done to it before hivectl release");
}

int hv_cmd_release(struct hv_cli *cli) {
        return give(cli, "release", true, "release", "released");
}

int hv_cmd_stop(struct hv_cli *cli) {
        _hv_cleanup_(target_done) struct target t = {};
        char *args[2] = {};
        int r = read_target(cli, "stop", false, &t);

        if (r != HV_EXIT_OK)
                return r;
        if (t.object.kind != HV_KIND_TASK)
                return give(cli, "stop", false, "stop", "being stopped, and stays so until hivectl start");
        args[0] = (char *) t.object.name;
        cli->options.args = args;
        cli->options.n_args = 1;
        return hv_cmd_task_stop(cli);
}

int hv_cmd_start(struct hv_cli *cli) {
        return give(cli, "start", false, "start", "being started");
}

struct restart {
        struct hv_cli *cli;
        char told[512];
};

/* It may be put off for as long as something is missing. A terminal shows each look; elsewhere each new reason is told. */
static int on_look_at_restart(void *userdata, const struct hv_json *status) {
        const char *message = hv_json_str(status, "message");
        struct restart *r = userdata;

        if (hv_json_bool(status, "inSync", false))
                return HV_EXIT_OK;
        if (r->cli->err_is_tty || hv_str_empty(message) ||
            hv_streq(hv_json_str(status, "reason"), "Pending") || hv_streq(message, r->told))
                return -1;
        (void) snprintf(r->told, sizeof r->told, "%s", message);
        hv_cli_note(r->cli, "%s", message);
        return -1;
}

int hv_cmd_restart(struct hv_cli *cli) {
        bool now = hv_option_is_given(&cli->options, HV_OPT_NOW);
        struct restart restart = { .cli = cli };

        return give_and_wait(cli, "restart", false, now ? "restart?now" : "restart",
                             now ? "being restarted" : "being restarted, one container after the other",
                             (struct hv_wait){ .judge = on_look_at_restart, .userdata = &restart });
}

int hv_cmd_rollout_pause(struct hv_cli *cli) {
        return give(cli, "rollout pause", false, "pause",
                    "paused: its containers stay as they were made until hivectl rollout resume");
}

int hv_cmd_rollout_resume(struct hv_cli *cli) {
        return give(cli, "rollout resume", false, "resume", "being made as it is declared now");
}

int hv_cmd_kill(struct hv_cli *cli) {
        _hv_cleanup_(hv_json_freep) struct hv_json *answer = NULL;
        _hv_cleanup_(target_done) struct target t = {};
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        struct hv_json_writer w = { .buf = &body };
        long long n;
        int r = read_target(cli, "kill", false, &t);

        if (r != HV_EXIT_OK)
                return r;
        if (t.object.kind != HV_KIND_SERVICE)
                return hv_cli_usage(cli, "only services can be meant here; hivectl task stop stops a task");
        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "signal", cli->options.signal);
        hv_json_put_uint(&w, "replica", t.object.replica);
        hv_json_end(&w);
        r = post(cli, &t, "kill", &body, &answer);
        if (r != HV_EXIT_OK)
                return r;
        n = hv_json_int(answer, "signalled", 0);
        hv_cli_note(cli, "%lld %s got the signal", n, n == 1 ? "container" : "containers");
        return HV_EXIT_OK;
}

/* ---- admission ---- */

int hv_cmd_cordon(struct hv_cli *cli) {
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        int r;

        hv_cli_put_reason(cli, &body);
        r = hv_cli_post(cli, "/api/v1/cordon", &body, NULL);
        if (r == HV_EXIT_OK)
                hv_cli_note(
                        cli,
                        "the node is cordoned: no task is admitted before hivectl uncordon; those that run go on");
        return r;
}

int hv_cmd_drain(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        struct hv_wait wait = { .drained = true };
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        struct hv_json_writer w = { .buf = &body };
        int r;

        hv_json_begin_object(&w, NULL);
        hv_json_put_str(&w, "deadline", o->deadline);
        hv_json_put_str(&w, "reason", o->reason);
        hv_json_end(&w);
        r = hv_cli_post(cli, "/api/v1/drain", &body, NULL);
        if (r != HV_EXIT_OK)
                return r;
        hv_cli_note(cli,
                    "the node is drained: no task is admitted before hivectl uncordon; those that run %s%s",
                    o->deadline ? "are stopped in " : "go on to their end", o->deadline ? o->deadline : "");
        if (!hv_option_is_given(o, HV_OPT_WAIT))
                return HV_EXIT_OK;
        wait.timeout_us = hv_option_is_given(o, HV_OPT_TIMEOUT) ? o->timeout_us : 0;
        return hv_cli_wait(cli, &wait);
}

int hv_cmd_uncordon(struct hv_cli *cli) {
        _hv_cleanup_(hv_json_freep) struct hv_json *orders = NULL;
        int r = hv_cli_delete(cli, "/api/v1/cordon", &orders);

        if (r == HV_EXIT_OK && hv_json_type(hv_json_get(orders, "hold")) == HV_JSON_OBJECT)
                hv_cli_note(
                        cli,
                        "the node is not cordoned any more, but it is held: hivectl release node lets tasks in");
        else if (r == HV_EXIT_OK)
                hv_cli_note(cli, "tasks are admitted");
        return r;
}

void hv_cli_note_orders(struct hv_cli *cli, const struct hv_json *orders) {
        _hv_cleanup_(hv_buf_done) struct hv_buf lines = {};
        const char *end;

        hv_orders_lines(orders, &lines);
        for (const char *p = hv_buf_str(&lines); (end = strchr(p, '\n')); p = end + 1)
                hv_cli_note(cli, "%.*s", (int) (end - p), p);
}
