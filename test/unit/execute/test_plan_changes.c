/* plan_changes: every field that makes a difference is named, and no value of the environment ever is. */
#include "testing.h"
#include "wish.h"

#include "base/arena.h"
#include "execute/plan_once.h"

#define BASE "image: docker.io/library/busybox:1, name: web"

static void each_field_is_named(void **state) {
        static const struct {
                const char *what, *before, *after, *changes;
        } rows[] = {
                { "nothing", "", "", "" },
                { "image", "", ", image: docker.io/library/busybox:2",
                  "image: docker.io/library/busybox:1 -> docker.io/library/busybox:2" },
                { "command", "", ", command: [sh]", "command" },
                { "args", ", args: [a, b]", ", args: [a, c]", "args" },
                { "workdir", "", ", workdir: /x", "workdir: (none) -> /x" },
                { "a new variable", "", ", env: [{name: TOKEN, value: hunter2}]", "env TOKEN added" },
                { "another value", ", env: [{name: A, value: hunter2}, {name: TOKEN, value: x}]",
                  ", env: [{name: A, value: hunter2}, {name: TOKEN, value: hunter2}]", "env TOKEN" },
                { "no variable any more", ", env: [{name: TOKEN, value: hunter2}]", "", "env TOKEN removed" },
                { "limits", ", resources: {limits: {memory: 64Mi, cpu: \"1\", pids: 10}}",
                  ", resources: {limits: {memory: 128Mi, cpu: 500m, pids: 20}}",
                  "resources.limits.memory: 64Mi -> 128Mi; resources.limits.cpu: 1 -> 500m; resources.limits.pids: 10 -> "
                  "20" },
                { "networks", "", ", networks: [{name: hivemind, aliases: [x]}]", "networks" },
                { "mounts", "", ", mounts: [{tmpfs: 1Mi, target: /x}]", "mounts" },
                { "ports", ", ports: [{container: 80, host: 8080}]", ", ports: [{container: 80, host: 8081}]",
                  "ports" },
                { "security", "", ", security: {readOnlyRoot: true, user: \"1:1\"}",
                  "security.user: (none) -> 1:1; security.readOnlyRoot: false -> true" },
                { "stop", "", ", stop: {signal: INT, grace: 1m}",
                  "stop.signal: SIGTERM -> SIGINT; stop.grace: 10s -> 1m" },
                { "logging", ", logging: {driver: journald}", ", logging: {driver: none}",
                  "logging.driver: journald -> none" },
        };
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_desired_unrefp) struct hv_desired *before = NULL, *after = NULL;
                char text[1024];
                const char *changes;

                (void) snprintf(text, sizeof text, "[{%s%s}]", BASE, rows[i].before);
                before = wish_services(text);
                (void) snprintf(text, sizeof text, "[{%s%s}]",
                                hv_has_prefix(rows[i].after, ", image") ? "name: web" : BASE, rows[i].after);
                after = wish_services(text);
                changes = hv_plan_changes(&before->units[0], &after->units[0], arena);
                if (!hv_streq(changes, rows[i].changes))
                        fail_msg("%s: %s", rows[i].what, changes);
                assert_null(strstr(changes, "hunter2"));
                /* what makes another container is always named */
                if (!hv_streq(before->units[0].digest, after->units[0].digest))
                        assert_true(*changes != '\0');
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_field_is_named),
        };

        return cmocka_run_group_tests_name("plan_changes", tests, NULL, NULL);
}
