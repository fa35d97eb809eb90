/* agent/check.c - `hivelet --check`: the judgement the agent would make, on this machine, and nothing else. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/gpus.h"
#include "agent/join_store.h"
#include "agent/log_files.h"
#include "agent/private.h"
#include "auth/auth.h"
#include "base/buf.h"
#include "docker/client.h"
#include "execute/create.h"
#include "http/tls.h"

/* What the files of the HTTP interface hold. */
static int check_http(const struct hv_http_settings *s, struct hv_err *err) {
        int r = hv_auth_check(s->users_file, s->token_file, err);

        if (r >= 0 && s->cert_file && s->key_file) {
                r = hv_tls_check(s->cert_file, s->key_file, err);
                if (r < 0)
                        (void) hv_err_prefix(err, r, "http.tls");
        }
        return r;
}

static bool asks_for_gpus(const struct hv_desired *d) {
        for (size_t i = 0; i < d->n_units; i++)
                if (d->units[i].n_gpus)
                        return true;
        for (size_t i = 0; i < d->n_tasks; i++)
                if (d->tasks[i]->booking.n_gpus)
                        return true;
        for (size_t i = 0; i < d->n_cron_tasks; i++)
                if (d->tree->state.cron_tasks.v[i].task.resources.requests.gpus > 0)
                        return true;
        return false;
}

struct greeting {
        struct hv_docker *docker;
        struct hv_source_set *sources;
        bool is_over;
};

static void on_greeted(void *userdata, struct hv_docker_result *result) {
        struct greeting *g = userdata;

        if (result->outcome == HV_DOCKER_OK)
                hv_source_set_gpus_withheld(g->sources, hv_create_gpus_withheld(hv_docker_engine(g->docker)));
        g->is_over = true;
}

/* Whether it gives GPUs. One that is not there, or does not answer in two seconds, is no finding. */
static void ask_engine(const struct hv_agent_options *options, struct hv_source_set *sources) {
        const char *url = options->docker_url ? options->docker_url : getenv("DOCKER_HOST");
        const struct hv_docker_options client = { .url = hv_str_empty(url) ? NULL : url, .read_only = true };
        _hv_cleanup_(sd_event_unrefp) sd_event *event = NULL;
        struct greeting g = { .sources = sources };

        if (sd_event_new(&event) < 0 || hv_docker_new(event, &client, &g.docker, NULL) < 0)
                return;
        (void) hv_docker_connect(g.docker, (struct hv_docker_then){ .fn = on_greeted, .userdata = &g });
        while (!g.is_over && sd_event_run(event, UINT64_MAX) >= 0)
                ;
        (void) hv_docker_free(g.docker);
}

int hv_agent_check(const struct hv_agent_options *options) {
        _hv_cleanup_(hv_source_load_freep) struct hv_source_load *l = NULL;
        _hv_cleanup_(hv_join_store_freep) struct hv_join_store *joins = hv_join_store_new(options->state_dir);
        _hv_cleanup_(hv_source_set_freep) struct hv_source_set *sources = NULL;
        const struct hv_source_change nothing = { .dry_run = true };
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_err err = {};
        int r;

        r = hv_agent_source_set_new(options, joins, true, &sources, &err);
        if (!sources) {
                (void) r;
                fprintf(stderr, "hivelet: %s\n", err.msg);
                return HV_AGENT_EXIT_REFUSED;
        }
        hv_gpus_ask_once(sources);
        l = hv_source_set_change(sources, &nothing);
        if (l->desired && l->desired->settings.docker_enabled && asks_for_gpus(l->desired)) {
                ask_engine(options, sources);
                (void) hv_source_load_free(l);
                l = hv_source_set_change(sources, &nothing);
        }
        hv_diags_render(l->diags, isatty(STDERR_FILENO) == 1, &text);
        fputs(hv_buf_str(&text), stderr);
        if (l->err.code != 0)
                fprintf(stderr, "hivelet: %s\n", l->err.msg);
        if (!l->desired)
                return HV_AGENT_EXIT_REFUSED;
        if (check_http(&l->desired->settings.http, &err) < 0 ||
            hv_agent_log_files_check(&l->desired->settings.log, &err) < 0) {
                fprintf(stderr, "hivelet: %s\n", err.msg);
                return HV_AGENT_EXIT_REFUSED;
        }
        printf("revision %.8s is good: %zu objects, %zu containers, node id %s\n", l->desired->revision,
               l->desired->n_objects, l->desired->n_units, l->desired->settings.node_id);
        return HV_AGENT_EXIT_OK;
}
