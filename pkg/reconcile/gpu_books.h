/* reconcile/gpu_books.h - who holds which GPU, and who may have which. Private to pkg/reconcile. See gpu.h. */
#pragma once

#include "reconcile/admission.h"
#include "reconcile/gpu.h"
#include "reconcile/state.h"

enum hv_gpu_scope {
        HV_GPUS_IN_ALL,    /* what is given away: nobody holds anything, and what is lost may come back */
        HV_GPUS_FOR_TASKS, /* ... but services */
        HV_GPUS_FREE,      /* what somebody could get now */
        HV_GPUS_IDLE,      /* ... or is held by who does not run */
};

struct gpu_book {
        const struct gpu *gpu;
        uint64_t free_bytes;
        unsigned n_holders;
};

struct gpu_books {
        bool is_shared;
        HV_VEC(struct gpu_book) v;
};

void hv_gpu_books_open(const struct hv_core *c, enum hv_gpu_scope scope, struct gpu_books *ret);
void hv_gpu_books_done(struct gpu_books *b);
/* UUIDs with commas between them, entered into the books; the caller frees. NULL: they are not to be had. memory_bytes: of each. */
char *hv_gpu_books_pick(struct gpu_books *b, unsigned n, uint64_t memory_bytes);
unsigned hv_gpu_books_count(const struct gpu_books *b,
                            uint64_t memory_bytes); /* that such a holder could have */

/* What the room is in GPUs; untouched where nobody tells of any. */
void hv_gpu_room(const struct hv_core *c, enum hv_gpu_scope scope, struct hv_room *room);

/* "asks for 2 GPUs with 8Gi, 1 such is left", into buf. */
void hv_gpu_describe(const struct hv_booking *asked, unsigned n_there, const char *of,
                     char buf[HV_ROOM_TEXT_SIZE]);
/* Can it be had now? at_most: GPUs that may be given. Not known counts as no. */
bool hv_gpu_fits_now(const struct hv_core *c, const struct hv_booking *asked, unsigned at_most,
                     char buf[HV_ROOM_TEXT_SIZE]);
/* Can this ever be had here? Not known counts as yes. */
bool hv_gpu_ever_fits(const struct hv_core *c, const struct hv_booking *asked, char buf[HV_ROOM_TEXT_SIZE]);
