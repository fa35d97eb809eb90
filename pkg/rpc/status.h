/* rpc/status.h - how a remote call ended: the code for the program, and a text for people.
 *
 * Source   the numbers and names are gRPC's (grpc/grpc, doc/statuscodes.md). A number that is none of them is read as
 *          UNKNOWN.
 */
#pragma once

#include "base/macros.h"

enum hv_rpc_status {
        HV_RPC_OK = 0,
        HV_RPC_CANCELLED = 1,
        HV_RPC_UNKNOWN = 2,
        HV_RPC_INVALID_ARGUMENT = 3,
        HV_RPC_DEADLINE_EXCEEDED = 4, /* the other side may have acted */
        HV_RPC_NOT_FOUND = 5,
        HV_RPC_ALREADY_EXISTS = 6,
        HV_RPC_PERMISSION_DENIED = 7,
        HV_RPC_RESOURCE_EXHAUSTED = 8, /* also a message above the limit of a side */
        HV_RPC_FAILED_PRECONDITION = 9,
        HV_RPC_ABORTED = 10,
        HV_RPC_OUT_OF_RANGE = 11,
        HV_RPC_UNIMPLEMENTED = 12, /* the other side does not know the method */
        HV_RPC_INTERNAL = 13,
        HV_RPC_UNAVAILABLE =
                14, /* no connection, or lost; in the second case the other side may have acted */
        HV_RPC_DATA_LOSS = 15,
        HV_RPC_UNAUTHENTICATED = 16,
};

#define HV_RPC_STATUS_COUNT 17

const char *hv_rpc_status_name(enum hv_rpc_status status); /* "UNAVAILABLE", ...; never NULL */
enum hv_rpc_status hv_rpc_status_from_number(int number);

#define HV_RPC_TEXT_SIZE 512

/* A text from the other side, fit for one line of a log and for a terminal: what is not well-formed UTF-8, a control
 * character or invisible becomes '?', and what is longer than the room ends in "...". */
const char *hv_rpc_status_text(const void *text, size_t len, char ret[HV_RPC_TEXT_SIZE]);
