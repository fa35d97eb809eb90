/* What is in force is kept for the next start, sooner or later: on a real disk that is "full" for a while. */
#include "testing.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/gc.h"
#include "agent/log_files.h"
#include "agent/private.h"
#include "base/alloc.h"

#define LISTEN "127.0.0.1:5099"

static const char document[] = "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: node-1}\n"
                               "spec: {node: {docker: {enabled: false}}, http: {listen: \"" LISTEN "\"}}\n";

/* Writing any file fails with EFBIG while it is set, as it does with ENOSPC on a full disk. */
static void set_full(bool is_full) {
        struct rlimit limit;

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = is_full ? 0 : limit.rlim_max;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void plan(struct hv_agent *a) {
        struct hv_effects effects;

        hv_core_plan(a->core, hv_agent_now_us(), &effects);
        hv_effects_done(&effects);
        hv_agent_revision_passed(a);
}

static void a_full_disk_is_tried_again(void **state) {
        char dir[] = "/tmp/hv-keep-XXXXXX", config[64], state_dir[64], command[96];
        struct hv_agent_options options = { .config = config, .config_dir = dir, .state_dir = state_dir };
        struct hv_agent a = { .options = &options };
        struct hv_err err = {};
        FILE *f;

        (void) state;
        assert_non_null(mkdtemp(dir));
        (void) snprintf(config, sizeof config, "%s/node.conf", dir);
        (void) snprintf(state_dir, sizeof state_dir, "%s/state", dir);
        f = fopen(config, "we");
        assert_non_null(f);
        assert_int_equal(fwrite(document, 1, sizeof document - 1, f), sizeof document - 1);
        assert_int_equal(fclose(f), 0);
        (void) signal(SIGXFSZ, SIG_IGN);
        a.tcp_listen = hv_strdup(LISTEN); /* as if it did */
        a.core = hv_core_new(1);
        assert_true(sd_event_new(&a.event) >= 0);
        assert_int_equal(hv_agent_log_files_begin(&a, &err), 0);
        hv_agent_access_init(&a);
        assert_int_equal(hv_agent_pass_init(&a, &err), 0);
        assert_int_equal(hv_agent_source_set_new(&options, NULL, false, &a.sources, &err), 0);
        assert_int_equal(hv_agent_reload(&a), 0);

        set_full(true);
        plan(&a);
        assert_non_null(a.active); /* in force all the same */
        assert_null(hv_revision_store_active(hv_source_set_revisions(a.sources)));
        set_full(false);
        plan(&a);
        assert_null(hv_revision_store_active(hv_source_set_revisions(a.sources))); /* not with every pass */
        a.keep_after_us = 0;                                                       /* the minute is over */
        plan(&a);
        assert_string_equal(hv_revision_store_active(hv_source_set_revisions(a.sources)),
                            a.active->desired->revision);

        assert_ptr_equal(a.active, a.offered);
        assert_ptr_equal(a.active, a.latest);
        hv_agent_gc_end(&a);
        hv_agent_log_files_end(&a);
        hv_agent_access_end(&a);
        (void) hv_core_free(a.core);
        (void) hv_source_load_free(a.active);
        (void) hv_source_set_free(a.sources);
        (void) sd_event_source_disable_unref(a.pass);
        (void) sd_event_source_disable_unref(a.deadline);
        (void) sd_event_unref(a.event);
        free(a.tcp_listen);
        (void) snprintf(command, sizeof command, "rm -r %s", dir);
        assert_int_equal(system(command), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_full_disk_is_tried_again),
        };

        return cmocka_run_group_tests_name("agent_keep", tests, NULL, NULL);
}
