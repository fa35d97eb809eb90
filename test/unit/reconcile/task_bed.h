/* task_bed.h - the bed of bed.h with tasks: written in a few words, handed in, recalled from a ledger. */
#pragma once

#include "bed.h"

#include "base/alloc.h"

#define BED struct bed *b = *state
#define GIB (UINT64_C(1) << 30)
#define CPU UINT64_C(1000000000)

struct job {
        const char *id;
        uint64_t memory;
        unsigned priority, retries, retry_on, n_gpus;
        uint64_t timeout, wait;
        int checkpoint; /* 0: none */
        enum hv_task_source source;
        const char *refused; /* when it is recalled */
        uint64_t gpu_memory;
};

extern const struct job api_t1;

struct hv_task *task_of(const struct job *j);

/* A bed with an empty node that has 4 processors, 8 GiB and 2 GPUs. */
int task_bed_setup(void **state);
int task_bed_teardown(void **state);

/* A core that was started anew, beside what the engine holds and the ledger says: recall() and task_container() tell of that,
 * then go(). */
struct bed *again(void **state);
void recall(struct bed *b, const struct job *j, struct hv_task_recalled r);
struct hv_seen_container *task_container(struct bed *b, const char *id, enum hv_container_state s);
void go(struct bed *b);

void machine(struct bed *b, unsigned n_cpus, uint64_t memory);
void known(struct bed *b); /* the ledger was read */
int submit(struct bed *b, const struct job *j);
int ask(struct bed *b, enum hv_input_type type, const char *id); /* "ana" does */
struct hv_task_status status_of(struct bed *b, const char *id);
void ends(struct bed *b, const char *container, int exit_code);
void rename_to(struct bed *b, const char *container, const char *name);
/* Answers the one action of this type, and plans again. */
void answer(struct bed *b, enum hv_action_type type, enum hv_outcome outcome);
