/* From a reply to an outcome: what an agent may conclude about the effect. */
#include "testing.h"

#include <errno.h>

#include "docker/outcome.h"

static void test_table(void **state) {
        static const struct {
                const char *what;
                enum hv_docker_op op;
                enum hv_docker_kind kind;
                struct hv_reply reply;
                const char *message;
                enum hv_docker_outcome outcome;
                int error;
                bool no_effect;
        } rows[] = {
#define START HV_DOCKER_OP_CONTAINER_START, HV_DOCKER_KIND_DOCKER
#define LIST HV_DOCKER_OP_CONTAINER_LIST, HV_DOCKER_KIND_DOCKER
#define PULL HV_DOCKER_OP_IMAGE_PULL, HV_DOCKER_KIND_DOCKER
#define PODMAN(op) HV_DOCKER_OP_##op, HV_DOCKER_KIND_PODMAN
#define STATUS(n) { .end = HV_TRANSFER_DONE, .sent = true, .status = (n) }
#define ENDED(e, n, code) \
        { .end = HV_TRANSFER_##e, .sent = true, .status = (n), .error = (code) }
#define UNSENT(e, code) \
        { .end = HV_TRANSFER_##e, .error = (code) }
                { "done", START, STATUS(204), "", HV_DOCKER_OK, 0, false },
                { "read", LIST, STATUS(200), "", HV_DOCKER_OK, 0, true },
                { "so already", START, STATUS(304), "", HV_DOCKER_NOT_MODIFIED, 0, true },
                { "bad request", START, STATUS(400), "x", HV_DOCKER_REFUSED, -EINVAL, true },
                { "login", START, STATUS(401), "x", HV_DOCKER_DENIED, -EACCES, true },
                { "forbidden", START, STATUS(403), "x", HV_DOCKER_DENIED, -EACCES, true },
                { "not there", START, STATUS(404), "x", HV_DOCKER_NOT_FOUND, -ENOENT, true },
                { "waited too long for us", START, STATUS(408), "x", HV_DOCKER_ENGINE_ERROR, -EAGAIN, true },
                { "conflict", START, STATUS(409), "x", HV_DOCKER_CONFLICT, -EBUSY, true },
                { "too big for it", START, STATUS(413), "x", HV_DOCKER_REFUSED, -EINVAL, true },
                { "too many", PULL, STATUS(429), "x", HV_DOCKER_ENGINE_ERROR, -EAGAIN, true },
                { "500 may have done something", START, STATUS(500), "x", HV_DOCKER_ENGINE_ERROR, -EIO,
                  false },
                { "500 to a read did not", LIST, STATUS(500), "x", HV_DOCKER_ENGINE_ERROR, -EIO, true },
                { "not offered", START, STATUS(501), "x", HV_DOCKER_UNSUPPORTED, -EOPNOTSUPP, true },
                { "503", START, STATUS(503), "x", HV_DOCKER_ENGINE_ERROR, -EIO, false },
                { "moved", START, STATUS(301), "x", HV_DOCKER_REFUSED, -EINVAL, true },

                { "no socket", START, UNSENT(UNREACHABLE, -ENOENT), "", HV_DOCKER_UNREACHABLE, -ENOENT,
                  true },
                { "no permission", START, UNSENT(UNREACHABLE, -EACCES), "", HV_DOCKER_UNREACHABLE, -EACCES,
                  true },
                { "late in our own queue", START, UNSENT(LATE, -ETIMEDOUT), "", HV_DOCKER_UNREACHABLE,
                  -ETIMEDOUT, true },
                { "cut before a status", START, ENDED(CUT, 0, -ECONNRESET), "", HV_DOCKER_UNKNOWN,
                  -ECONNRESET, false },
                { "cut in a good body", START, ENDED(CUT, 200, -ECONNRESET), "", HV_DOCKER_UNKNOWN,
                  -ECONNRESET, false },
                { "cut in a bad body", START, ENDED(CUT, 404, -ECONNRESET), "", HV_DOCKER_NOT_FOUND, -ENOENT,
                  true },
                { "late", START, ENDED(LATE, 0, -ETIMEDOUT), "", HV_DOCKER_UNKNOWN, -ETIMEDOUT, false },
                { "late read", LIST, ENDED(LATE, 0, -ETIMEDOUT), "", HV_DOCKER_UNKNOWN, -ETIMEDOUT, true },
                { "stalled", PULL, ENDED(STALLED, 200, -ETIMEDOUT), "", HV_DOCKER_UNKNOWN, -ETIMEDOUT,
                  false },
                { "too big a reply", LIST, ENDED(TOO_BIG, 200, -EMSGSIZE), "", HV_DOCKER_ENGINE_ERROR,
                  -EMSGSIZE, true },
                { "too big a reply to a change", START, ENDED(TOO_BIG, 200, -EMSGSIZE), "", HV_DOCKER_UNKNOWN,
                  -EMSGSIZE, false },

                { "pull denied", PULL, STATUS(404),
                  "pull access denied for x, repository does not exist or may require 'docker login': denied: requested "
                  "access to the resource is denied",
                  HV_DOCKER_DENIED, -EACCES, true },
                { "pull unauthorized", PULL, STATUS(500), "unauthorized: authentication required",
                  HV_DOCKER_DENIED, -EACCES, true },
                { "pull without a login", PULL, STATUS(500),
                  "Head \"http://127.0.0.1:5005/v2/hv/busybox/manifests/1\": no basic auth credentials",
                  HV_DOCKER_DENIED, -EACCES, true },
                { "pull of no such tag", PULL, STATUS(404),
                  "manifest for 127.0.0.1:5005/hv/busybox:99 not found: manifest unknown: manifest unknown",
                  HV_DOCKER_NOT_FOUND, -ENOENT, true },
                { "pull fails", PULL, STATUS(500), "dial tcp: connection refused", HV_DOCKER_ENGINE_ERROR,
                  -EIO, false },
                { "words of a login elsewhere", START, STATUS(500), "unauthorized", HV_DOCKER_ENGINE_ERROR,
                  -EIO, false },

                { "podman: name in use", PODMAN(CONTAINER_CREATE), STATUS(500),
                  "container storage: the container name \"a\" is already in use by 12. You have to remove that container",
                  HV_DOCKER_CONFLICT, -EBUSY, true },
                { "docker never means it", HV_DOCKER_OP_CONTAINER_CREATE, HV_DOCKER_KIND_DOCKER, STATUS(500),
                  "the container name is already in use", HV_DOCKER_ENGINE_ERROR, -EIO, false },
                { "podman: kill of a stopped one", PODMAN(CONTAINER_KILL), STATUS(500),
                  "can only kill running containers. x is in state exited: container state improper",
                  HV_DOCKER_CONFLICT, -EBUSY, true },
                { "podman: another 500", PODMAN(CONTAINER_START), STATUS(500), "runc: no",
                  HV_DOCKER_ENGINE_ERROR, -EIO, false },
                { "podman: no update", PODMAN(CONTAINER_UPDATE), STATUS(404), "Not Found",
                  HV_DOCKER_UNSUPPORTED, -EOPNOTSUPP, true },
                { "podman that has update: no such container", PODMAN(CONTAINER_UPDATE), STATUS(404),
                  "no such container", HV_DOCKER_NOT_FOUND, -ENOENT, true },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_docker_result r = {};

                hv_docker_judge(rows[i].op, rows[i].kind, &rows[i].reply, rows[i].message, &r);
                if (r.outcome != rows[i].outcome || r.error != rows[i].error ||
                    r.no_effect != rows[i].no_effect || r.status != rows[i].reply.status ||
                    r.op != rows[i].op)
                        fail_msg("%s: %s, error %d, no effect %d", rows[i].what,
                                 hv_docker_outcome_name(r.outcome), r.error, r.no_effect);
        }
}

static void test_garbled(void **state) {
        struct hv_docker_result read = { .op = HV_DOCKER_OP_CONTAINER_LIST },
                                change = { .op = HV_DOCKER_OP_NETWORK_CREATE };

        (void) state;
        hv_docker_judge_garbled(-EBADMSG, &read);
        assert_int_equal(read.outcome, HV_DOCKER_ENGINE_ERROR);
        assert_true(read.no_effect);
        hv_docker_judge_garbled(-EBADMSG, &change);
        assert_int_equal(change.outcome, HV_DOCKER_UNKNOWN);
        assert_false(change.no_effect);
}

/* Names are unique and whole: metrics are labelled with them. Whatever may change something is no GET. */
static void test_names(void **state) {
        (void) state;
        for (int a = 0; a < HV_DOCKER_N_OPS; a++) {
                assert_true(*hv_docker_op_name((enum hv_docker_op) a));
                if (hv_docker_op_is_mutating((enum hv_docker_op) a))
                        assert_false(hv_method_is_safe(hv_docker_op_facts((enum hv_docker_op) a)->method));
                for (int b = 0; b < a; b++)
                        assert_string_not_equal(hv_docker_op_name((enum hv_docker_op) a),
                                                hv_docker_op_name((enum hv_docker_op) b));
        }
        for (int a = 0; a < HV_DOCKER_N_OUTCOMES; a++)
                for (int b = 0; b < a; b++)
                        assert_string_not_equal(hv_docker_outcome_name((enum hv_docker_outcome) a),
                                                hv_docker_outcome_name((enum hv_docker_outcome) b));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_garbled),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
