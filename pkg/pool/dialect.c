/* pool/dialect.c - see dialect.h. */
#include "pool/dialect.h"

const char *hv_pool_outcome_name(enum hv_pool_outcome outcome) {
        static const char *const names[] = {
                [HV_POOL_OUTCOME_OK] = "ok",
                [HV_POOL_OUTCOME_REFUSED] = "refused",
                [HV_POOL_OUTCOME_RELOGIN] = "the login is not taken",
                [HV_POOL_OUTCOME_REREGISTER] = "the pool does not know this node",
                [HV_POOL_OUTCOME_AGAIN] = "no answer",
                [HV_POOL_OUTCOME_UNSUPPORTED] = "not supported by the pool",
        };

        return names[outcome];
}

enum hv_pool_outcome hv_pool_outcome_of_status(enum hv_rpc_status status, bool *ret_answered) {
        *ret_answered = true;
        switch (status) {
        case HV_RPC_OK:
                return HV_POOL_OUTCOME_OK;
        case HV_RPC_UNIMPLEMENTED:
                return HV_POOL_OUTCOME_UNSUPPORTED;
        case HV_RPC_UNAUTHENTICATED:
                return HV_POOL_OUTCOME_RELOGIN;
        case HV_RPC_INVALID_ARGUMENT:
        case HV_RPC_NOT_FOUND:
        case HV_RPC_ALREADY_EXISTS:
        case HV_RPC_PERMISSION_DENIED:
        case HV_RPC_OUT_OF_RANGE:
        case HV_RPC_FAILED_PRECONDITION: /* "do not retry until the state has been fixed": a lease that was lost stays lost */
                return HV_POOL_OUTCOME_REFUSED;
        case HV_RPC_RESOURCE_EXHAUSTED:
        case HV_RPC_ABORTED:
                return HV_POOL_OUTCOME_AGAIN;
        default: /* of gRPC itself as likely as of the pool */
                *ret_answered = false;
                return HV_POOL_OUTCOME_AGAIN;
        }
}
