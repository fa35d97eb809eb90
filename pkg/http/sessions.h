/* http/sessions.h - what the API asks of the agent for hivectl exec: another process in a container, with its streams.
 *
 *      session_open() -> hv_api_session_opened() -> output, input, resize -> hv_api_session_ended()
 *            |                      '--> session_close(): the client left
 *            '--> hv_api_session_ended() with an error: it never began, and is answered as any request
 *
 * Model    Both directions are bounded. The client's input is given as far as session_room() says, then it waits for
 *          hv_api_session_drained(); output is held back after hv_api_session_output() gave false, until session_resume().
 */
#pragma once

#include "base/err.h"
#include "spec/desired.h"
#include "spec/kind.h"

struct hv_api_call;
struct hv_api_session; /* the backend's own */

struct hv_api_exec {
        enum hv_kind kind; /* HV_KIND_SERVICE or HV_KIND_TASK */
        const char *name;
        unsigned replica; /* of a service, 1.. */
        struct hv_strv command, env;
        const char *user, *directory; /* NULL: the container's own */
        bool tty, input;
        unsigned rows, columns; /* 0: not known */
        const char *by;         /* for the audit */
};

struct hv_api_session_end {
        const struct hv_err *err; /* NULL: it ended in order */
        bool is_detached;         /* the process goes on */
        unsigned code;
};

void hv_api_session_opened(struct hv_api_call *call);
bool hv_api_session_output(struct hv_api_call *call, bool is_error_output, const void *data, size_t len);
void hv_api_session_drained(struct hv_api_call *call); /* there is room for input again */
/* The call is over, and the session with it. */
void hv_api_session_ended(struct hv_api_call *call, const struct hv_api_session_end *end);
