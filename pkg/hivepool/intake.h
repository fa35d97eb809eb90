/* hivepool/intake.h - a message of dialect hivemind with a zip in it, brought to disk without a second copy in memory.
 *
 * Model    The fields of the message are looked at where they lie; the bytes of field 2, the zip, go to the blobs piece by piece, a
 *          few MiB in each turn of the loop, twice: for the hash that names them, and to the disk. The rest, which is small, is
 *          handed over as a message of its own.
 */
#pragma once

#include "hivepool/blobs.h"
#include "rpc/bytes.h"

struct hv_intake;
struct sd_event;

struct hv_intake_end {
        int error; /* 0, or -errno with err */
        const struct hv_err *err;
        const void *fields; /* all but the zip */
        size_t fields_len;
        const char *sha256;
        uint64_t size_bytes;
};

/* Uses the message up. `done` once; before it returns (and then NULL) only where the message is none. */
struct hv_intake *hv_intake_start(struct sd_event *event, struct hv_blobs *blobs,
                                  struct hv_rpc_bytes *message,
                                  void (*done)(void *userdata, const struct hv_intake_end *end),
                                  void *userdata);
/* Without `done`. Takes NULL. */
void hv_intake_cancel(struct hv_intake *i);
