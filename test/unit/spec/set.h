/* set.h - a set of documents from texts in the test, loaded, with what was said about it. */
#pragma once

#include <errno.h>

#include "base/buf.h"
#include "spec/load.h"

#define SET_HEAD "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: node-1}\nspec:\n"

struct set {
        struct hv_spec_file files[8]; /* the first one is primary */
        size_t n_files;
        const struct hv_spec_file *type_files; /* task types; NULL: the shipped ones */
        size_t n_type_files;
        const char *const *env; /* NAME, value, NAME, value, NULL; for ${VAR} */
        struct hv_spec_overrides overrides;
        hv_spec_given_fn *given; /* what VPN services gave; NULL: nothing */
        void *given_userdata;
        struct hv_diags *diags;
        struct hv_desired *desired; /* NULL: refused */
        struct hv_buf said;         /* `file:line:col: severity[code]: path: message`, a line each */
};

void set_add(struct set *s, const char *name, const char *text);
int set_load(struct set *s);
void set_done(struct set *s);

/* One file named "f": loads it. */
int set_load_text(struct set *s, const char *text);

/* The variables as the loader sees them. */
const char *set_env(void *userdata, const char *name);

/* Is there a finding that begins like this ("f:4:9: error[E0201]: spec.x: ")? */
bool set_says(const struct set *s, const char *start);
