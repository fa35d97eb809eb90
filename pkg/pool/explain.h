/* pool/explain.h - why the pool is not reached, where TLS is the reason.
 *
 *      a step failed without an answer --> ask --> backend->work: hv_rpc_explain_tls() --> explained() --> status, journal
 *
 * Model    gRPC's own words are kept until something better is known. The same words are not asked about again within
 *          `every_us`, others not within a tenth of it, so that a fleet which waits for its pool does not knock twice each
 *          time. Nothing is decided here.
 */
#pragma once

#include "pool/pool.h"

struct hv_explainer;

struct hv_explainer_options {
        const char *target, *ca_file, *cert_file, *key_file; /* copied */
        const struct hv_pool_backend *backend;               /* borrowed */
        void *backend_data;
        uint64_t every_us;

        /* On the loop, when there is something new to say; not after hv_explainer_free(). */
        void (*explained)(void *userdata, const char *why);
        void *userdata;
};

struct hv_explainer *hv_explainer_new(const struct hv_explainer_options *options);
struct hv_explainer *hv_explainer_free(struct hv_explainer *e); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_explainer, hv_explainer_free);

/* What is known about `text`, gRPC's words for a failure; borrowed until the next call. NULL: nothing (yet). */
const char *hv_explainer_ask(struct hv_explainer *e, const char *text, uint64_t now_us);
