/* docker/outcome.h - from an HTTP reply to what an agent can act on. Private to the module; pure.
 *
 *     nothing sent                            UNREACHABLE    no effect
 *     status 300 and up (even if then cut)    by its number  4xx: no effect; 5xx: who knows
 *     sent, then cut, late or stalled         UNKNOWN
 *     2xx, complete                           OK, unless its body makes no sense
 *
 * What only reads never has an effect, whatever its outcome.
 */
#pragma once

#include "docker/client.h"
#include "transfer/transfer.h"

struct hv_docker_op_facts {
        const char *name;
        enum hv_method method;
        bool mutating; /* a POST may only wait */
};

const struct hv_docker_op_facts *hv_docker_op_facts(enum hv_docker_op op);

/* Sets outcome, error, status and no_effect. `message` is the engine's, for quirks. */
void hv_docker_judge(enum hv_docker_op op, enum hv_docker_kind kind, const struct hv_reply *reply,
                     const char *message, struct hv_docker_result *result);

/* A complete reply that makes no sense. */
void hv_docker_judge_garbled(int error, struct hv_docker_result *result);
