/* spec/load.h - from texts to a desired state: everything at once, or every reason why not.
 *
 * Model    read (spec/yaml.h) -> interpolate -> envelope -> overrides -> decode -> check -> lower.
 *          All-or-nothing: with one error there is no desired state, and the findings hold all errors of all
 *          files. Pure: texts, variables and facts about the machine are handed in.
 * Truth    of one field, lowest first: default of the schema < file < drop-in with the override annotation <
 *          environment < flags.
 */
#pragma once

#include "base/vec.h"
#include "spec/check.h"
#include "spec/interpolate.h"
#include "spec/join.h"

/* hv_yaml_read(): appends the roots of the documents of a text to a sequence. */
typedef void (*hv_spec_read_fn)(struct hv_arena *a, struct hv_diags *d, unsigned file, const char *text,
                                size_t len, struct hv_node *documents);

struct hv_spec_file {
        const char *name; /* as messages show it: a path, or the name of a source */
        const char *text;
        size_t len;
        const char *source; /* "file", "api", "fleet", "master", ... */
        bool primary;       /* may hold a NodeState */
};

struct hv_spec_override {
        const char *field;  /* "node.id", below `spec` of NodeState */
        const char *text;   /* ":5001" for a field of the form host:port replaces only the port */
        const char *origin; /* "$NODE_ID", "--node-id" */
};

struct hv_spec_overrides {
        HV_VEC(struct hv_spec_override) list;
        struct hv_arena *arena;
};
void hv_spec_overrides_done(struct hv_spec_overrides *o);
void hv_spec_overrides_add(struct hv_spec_overrides *o, const char *field, const char *text,
                           const char *origin);

/* The documented environment variables (environment.c lists them) as overrides; all that is malformed at once
 * (E0372), and two addresses of the pool that differ (E0373). */
void hv_spec_environment(struct hv_spec_overrides *o, hv_spec_env_fn env, void *userdata,
                         struct hv_diags *diags);

struct hv_spec_input {
        /* Primary first, then drop-ins in lexical order, then other sources. */
        const struct hv_spec_file *files;
        size_t n_files;
        /* Task types, those of the operator after the shipped ones: of two with one name the later file's is taken. */
        const struct hv_spec_file *type_files;
        size_t n_type_files;
        hv_spec_read_fn read;
        hv_spec_env_fn env; /* for ${VAR} in documents of the source "file"; elsewhere nothing is set */
        void *env_userdata;
        const struct hv_spec_override *overrides; /* the later one wins */
        size_t n_overrides;
        const char *hostname;              /* node id of last resort */
        const struct hv_spec_facts *facts; /* NULL: the text alone is judged */
        hv_spec_given_fn *given;           /* what VPN services gave; NULL: nothing */
        void *given_userdata;
};

/* 0 and a desired state, or -EINVAL with at least one error in `diags` (one that the caller put there counts,
 * too). Without a NodeState an empty one is assumed. (*ret)->tree holds the typed documents. The diags know
 * the files in the order of the input; sort them before showing. */
int hv_spec_load(const struct hv_spec_input *in, struct hv_desired **ret, struct hv_diags *diags);
