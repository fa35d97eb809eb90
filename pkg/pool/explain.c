/* pool/explain.c - see explain.h. */
#include "pool/explain.h"

#include "base/alloc.h"
#include "base/time.h"
#include "rpc/explain.h"

/* Belongs to the thread while it runs; outlives the explainer when it must. */
struct question {
        struct hv_explainer *explainer; /* NULL: it has gone */
        char *target, *ca_file, *cert_file, *key_file;
        char *why;
};

struct hv_explainer {
        struct hv_explainer_options o;
        char *target, *ca_file, *cert_file, *key_file;
        struct question *running;
        char *text, *why;  /* what was asked last, and what is known about it */
        uint64_t asked_us; /* 0: never */
};

struct hv_explainer *hv_explainer_new(const struct hv_explainer_options *options) {
        struct hv_explainer *e = HV_NEW(struct hv_explainer);

        e->o = *options;
        e->target = hv_strdup(options->target);
        e->ca_file = hv_strdup(options->ca_file);
        e->cert_file = hv_strdup(options->cert_file);
        e->key_file = hv_strdup(options->key_file);
        return e;
}

struct hv_explainer *hv_explainer_free(struct hv_explainer *e) {
        if (!e)
                return NULL;
        if (e->running)
                e->running->explainer = NULL;
        free(e->target);
        free(e->ca_file);
        free(e->cert_file);
        free(e->key_file);
        free(e->text);
        free(e->why);
        free(e);
        return NULL;
}

static void run(void *data) {
        struct question *q = data;

        q->why = hv_rpc_explain_tls(q->target, &(struct hv_rpc_tls_files){ .ca_file = q->ca_file,
                                                                           .cert_file = q->cert_file,
                                                                           .key_file = q->key_file });
}

static void done(void *data) {
        struct question *q = data;
        struct hv_explainer *e = q->explainer;

        if (e) {
                bool is_new = q->why && !hv_streq(q->why, e->why);

                e->running = NULL;
                free(e->why);
                e->why = HV_STEAL(q->why);
                if (is_new)
                        e->o.explained(e->o.userdata, e->why);
        }
        free(q->target);
        free(q->ca_file);
        free(q->cert_file);
        free(q->key_file);
        free(q->why);
        free(q);
}

static void ask(struct hv_explainer *e) {
        struct question *q = e->running = HV_NEW(struct question);

        *q = (struct question){ .explainer = e,
                                .target = hv_strdup(e->target),
                                .ca_file = hv_strdup(e->ca_file),
                                .cert_file = hv_strdup(e->cert_file),
                                .key_file = hv_strdup(e->key_file) };
        e->o.backend->work(e->o.backend_data, run, done, q);
}

const char *hv_explainer_ask(struct hv_explainer *e, const char *text, uint64_t now_us) {
        bool is_same = hv_streq(text, e->text);
        uint64_t pause_us = is_same ? e->o.every_us : e->o.every_us / 10;

        if (!e->running && (!e->asked_us || now_us >= hv_time_add(e->asked_us, pause_us))) {
                e->asked_us = now_us;
                free(e->text);
                e->text = hv_strdup(text);
                ask(e);
        }
        return is_same ? e->why : NULL;
}
