/* http/copies.h - what the API asks of the agent for hivectl cp: files out of a container, and into one.
 *
 *      copy_open() LOOK -> hv_api_copy_looked()
 *                  OUT  -> hv_api_copy_data()* ---------------------> hv_api_copy_done()
 *                  IN   -> copy_input()*, hv_api_copy_drained()*, copy_end_input() -> hv_api_copy_done()
 *            '--> hv_api_copy_done() with an error, at any time; or copy_close(): the client left
 *
 * Model    Both directions are bounded. What comes out is held back after hv_api_copy_data() gave false, until copy_resume(); what goes
 *          in is taken as far as there is room, and the rest is offered again after hv_api_copy_drained().
 */
#pragma once

#include "base/err.h"
#include "spec/kind.h"

struct hv_api_call;
struct hv_api_copy; /* the backend's own */

enum hv_api_copy_direction {
        HV_API_COPY_LOOK, /* what is there? */
        HV_API_COPY_OUT,
        HV_API_COPY_IN,
};

struct hv_api_copy_wish {
        enum hv_kind kind; /* HV_KIND_SERVICE or HV_KIND_TASK */
        const char *name;
        unsigned replica; /* of a service, 1.. */
        enum hv_api_copy_direction what;
        const char *path; /* absolute; IN: of a folder that is there */
        const char *by;   /* for the audit */
};

struct hv_api_path {
        const char *name; /* its last component */
        uint64_t size_bytes, changed_us;
        unsigned mode;    /* as of stat(2) */
        const char *link; /* of a symbolic link; NULL: it is none */
};

/* Ends the call, and the copy with it. */
void hv_api_copy_looked(struct hv_api_call *call, const struct hv_api_path *path);
bool hv_api_copy_data(struct hv_api_call *call, const void *data, size_t len);
void hv_api_copy_drained(struct hv_api_call *call);
/* The same; err NULL: all was copied. */
void hv_api_copy_done(struct hv_api_call *call, const struct hv_err *err);
