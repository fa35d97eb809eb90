/* spec/check.h - what types alone do not say: references, clashes, policy, sums.
 *
 * Model    Runs over the typed tree after decoding, adds findings, changes nothing. Without facts it judges
 *          the text alone, so that `hivectl validate` gives the same answer on every machine; with facts
 *          (`hivelet --check`, and activation) it also judges files, modes, hardware and routes. Facts are
 *          handed in: nothing is read here.
 */
#pragma once

#include "base/err.h"
#include "spec/diag.h"
#include "spec/types.h"

struct hv_image_ref; /* spec/value_image.h */

struct hv_spec_file_fact {
        int error;     /* 0, or -errno of looking at it */
        unsigned mode; /* permission bits and type, as st_mode */
        unsigned uid, gid;
        const char *writable_by; /* NULL, or who but root may replace a component of the path: for messages */
};

struct hv_spec_gpu_fact {
        const char *uuid, *name;
        uint64_t memory_bytes;
};

struct hv_spec_facts {
        /* What is known about a path; NULL result: nothing. Good until the next call. */
        const struct hv_spec_file_fact *(*file)(void *userdata, const char *path);
        void *userdata;
        unsigned uid;                                 /* the agent's */
        const char *state_directory;                  /* the agent's, never mounted; NULL: /var/lib/hivelet */
        uint64_t nano_cpus, memory_bytes, disk_bytes; /* installed; 0: unknown */
        bool gpus_known;
        const struct hv_spec_gpu_fact *gpus; /* that work, whole */
        size_t n_gpus;
        const char *gpus_withheld; /* why the engine gives a container none, known or not; NULL: it does */
        struct hv_strv routes;     /* CIDRs that the host routes already */
};

/* Everything; `facts` may be NULL. */
void hv_spec_check_all(const struct hv_spec_tree *tree, const struct hv_spec_facts *facts,
                       struct hv_diags *diags);

/* May an image come that no document names: is the text a reference (-EINVAL), and does node.policy.images allow it (-EPERM)? *ret
 * lies in the arena. */
int hv_spec_check_image(const struct hv_spec_tree *tree, const char *text, struct hv_arena *arena,
                        struct hv_image_ref *ret, struct hv_err *err);

/* One task that is not in the tree: by itself and against what is. Findings about the rest were made before. */
void hv_spec_check_task(const struct hv_spec_tree *tree, const struct hv_spec_task *task,
                        const struct hv_spec_facts *facts, struct hv_diags *diags);
