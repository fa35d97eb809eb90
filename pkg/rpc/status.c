/* rpc/status.c - see status.h. */
#include "rpc/status.h"

#include "base/text.h"

static const char *const names[HV_RPC_STATUS_COUNT] = {
        [HV_RPC_OK] = "OK",
        [HV_RPC_CANCELLED] = "CANCELLED",
        [HV_RPC_UNKNOWN] = "UNKNOWN",
        [HV_RPC_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
        [HV_RPC_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
        [HV_RPC_NOT_FOUND] = "NOT_FOUND",
        [HV_RPC_ALREADY_EXISTS] = "ALREADY_EXISTS",
        [HV_RPC_PERMISSION_DENIED] = "PERMISSION_DENIED",
        [HV_RPC_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
        [HV_RPC_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
        [HV_RPC_ABORTED] = "ABORTED",
        [HV_RPC_OUT_OF_RANGE] = "OUT_OF_RANGE",
        [HV_RPC_UNIMPLEMENTED] = "UNIMPLEMENTED",
        [HV_RPC_INTERNAL] = "INTERNAL",
        [HV_RPC_UNAVAILABLE] = "UNAVAILABLE",
        [HV_RPC_DATA_LOSS] = "DATA_LOSS",
        [HV_RPC_UNAUTHENTICATED] = "UNAUTHENTICATED",
};

const char *hv_rpc_status_name(enum hv_rpc_status status) {
        return names[hv_rpc_status_from_number((int) status)];
}

enum hv_rpc_status hv_rpc_status_from_number(int number) {
        return number >= 0 && number < HV_RPC_STATUS_COUNT ? (enum hv_rpc_status) number : HV_RPC_UNKNOWN;
}

const char *hv_rpc_status_text(const void *text, size_t len, char ret[HV_RPC_TEXT_SIZE]) {
        static const char dots[] = "...";
        const char *p = text;
        size_t n = 0;

        while (len > 0) {
                struct hv_character c = hv_text_character(p, len);
                size_t room = HV_RPC_TEXT_SIZE - sizeof dots - n;

                if (c.len > room) {
                        memcpy(ret + n, dots, sizeof dots);
                        return ret;
                }
                if (c.is_valid && c.is_shown)
                        memcpy(ret + n, p, c.len);
                else
                        ret[n] = '?';
                n += c.is_valid && c.is_shown ? c.len : 1;
                p += c.len;
                len -= c.len;
        }
        ret[n] = '\0';
        return ret;
}
