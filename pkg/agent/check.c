/* agent/check.c - `hivelet --check`: the judgement the agent would make, on this machine, and nothing else. */
#include <stdio.h>
#include <unistd.h>

#include "agent/gpus.h"
#include "agent/join_store.h"
#include "agent/log_files.h"
#include "agent/private.h"
#include "auth/auth.h"
#include "base/buf.h"
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
