/* cron.h - cron tasks: which are wanted, what they are called in a document, and what people do to them.
 *
 * Model    As job.h for tasks. Their documents are real text, read by the real loader; their zones are real TZif bytes. Some
 *          histories begin near a change of some zone's clock, and the machine is put to sleep for minutes or days: then
 *          everything that was due meanwhile comes late, and at once.
 *          What is durable of them is here too: how far each schedule was followed, and which are suspended.
 */
#pragma once

#include "base/vec.h"
#include "reconcile/core.h"
#include "sim/calendar.h"
#include "sim/engine.h"
#include "sim/job.h"

struct hv_buf;
struct hv_desired;
struct sim;
struct sim_known;
struct sim_model;

#define SIM_N_CRONS 3

struct sim_cron {
        bool there;
        unsigned schedule, zone; /* calendar.h */
        enum hv_cron_concurrency concurrency;
        enum hv_cron_missed missed;
        uint64_t deadline_s, jitter_s; /* 0: none */
        unsigned keep_success, keep_failed;
        struct sim_job job; /* of each run */
};

struct sim_cron_record { /* of one name, for ever */
        const char *name;
        uint64_t until_us;         /* 0: never followed */
        struct hv_order suspended; /* by NULL: it is not */
        /* of the oracle: what the present core decided last, and was asked for */
        uint64_t judged_us, judged_core;
        HV_VEC(struct hv_order) asked; /* for a suspension or a resume */
};

struct sim_cron_request { /* of people, about one run */
        const char *id;
        bool triggered, forgotten;
};

struct sim_cron_made { /* how runs behave that were made from a document */
        char digest[HV_SHA256_HEX_SIZE];
        struct sim_job job;
};

struct sim_crons {
        bool wanted; /* some histories have none */
        unsigned n;
        HV_VEC(struct hv_desired *) read; /* documents; owned */
        char *read_text;                  /* that the newest of them is the reading of */
        HV_VEC(struct sim_cron_record *) records;
        HV_VEC(struct sim_cron_request) requests;
        HV_VEC(struct sim_cron_made) made;
        HV_VEC(struct hv_task *) retired; /* other tasks of the same id; owned */
        uint64_t slept_us;                /* the machine, in all */
};

struct sim_crons *sim_crons_new(struct sim *s);
void sim_crons_done(struct sim_crons *c);

struct sim_cron sim_cron_draw(struct sim *s);
const char *sim_cron_name(unsigned index);
struct sim_cron_record *sim_cron_record(struct sim *s, const char *name);

/* The cron tasks of a model as the loader gives them, by name; their texts live until the end. Adds what they mean to `text`. */
const struct hv_cron_task *sim_cron_lower(struct sim *s, const struct sim_model *m, struct hv_arena *a,
                                          struct hv_buf *text, size_t *ret_n);

/* A run that the core made is known from here on, as every other task; see job.h. */
void sim_cron_learn(struct sim *s, struct hv_task *run);

/* The ledger's side. */
struct sim_reply sim_cron_write(struct sim *s, const struct hv_action *a); /* CRON_ADVANCE, CRON_SUSPEND */
void sim_cron_accepted(struct sim *s, const struct hv_action *a);
void sim_cron_recall(struct sim *s);

void sim_cron_tell_zones(struct sim *s, const struct hv_desired *d); /* as an agent that read their files */

/* People, and the machine. */
void sim_cron_request(struct sim *s);
int sim_cron_ask(struct sim *s, enum hv_input_type type, const char *name);
void sim_cron_sleep(struct sim *s);
/* At the end of a history, as long as any is wanted: what is due comes, and then none is wanted any more. */
void sim_cron_rest(struct sim *s);
