/* source/set_private.h - the set of sources from inside: what the set_*.c share. */
#pragma once

#include "source/files.h"
#include "source/set.h"

struct hv_source_set {
        char *config, *config_dir, *state_dir, *credentials, *hostname;
        bool config_is_named, change_node_id, look_only;
        hv_spec_env_fn env;
        void *env_userdata;
        hv_spec_given_fn *given;
        void *given_userdata;
        struct hv_spec_overrides flags;

        struct hv_disk state; /* HV_DISK_NONE: look_only and not there */
        struct hv_files *files;
        struct hv_object_store *objects; /* NULL: could not be opened yet */
        struct hv_revision_store *revisions;
        struct hv_facts *facts;
        bool had_primary; /* it was there once, so that "not there" is a fault */
        bool file_good, api_good;

        struct hv_trial trial;
        bool trial_is_durable; /* the disk says of it what `trial` says */
        bool looks_past_hold;  /* files that are held off are read as they are */
};

/* What one load is made of while it is being made. */
struct making {
        struct hv_source_set *set;
        struct hv_source_load *load;
        HV_VEC(struct hv_spec_file) files; /* texts in the load's arena */
        struct hv_spec_overrides overrides;
        bool facts, needs_secrets, writes; /* writes: may claim the node id and make secrets */
};

/* set_load.c */
void hv_source_add_file(struct making *m, const struct hv_spec_file *f);
int hv_source_open_objects(struct hv_source_set *s,
                           struct hv_err *err); /* once; 0 also where there can be none */
/* What the sources would say if nothing of them were held off; nothing is written. */
struct hv_source_load *hv_source_look_past_hold(struct hv_source_set *s);

/* set_trial.c */
int hv_source_trial_open(struct hv_source_set *s, struct hv_err *err);
/* What base said stands in for the files; for the objects of the API too. */
bool hv_source_trial_stands_for_files(struct hv_source_set *s);
bool hv_source_trial_stands_for_objects(const struct hv_source_set *s);
int hv_source_trial_gather(struct making *m, const char *source, bool skip_primary);
/* Whether a change may be made now; -EBUSY or -EAGAIN in words. */
int hv_source_trial_admit(const struct hv_source_set *s, const struct hv_source_change *change,
                          bool changes_objects, struct hv_err *err);
/* Files that are held off are wanted as they are from now on. */
int hv_source_trial_release(struct hv_source_set *s, struct hv_err *err);
/* Durable before anything of the change is. *ret_before is for _undo(), when the change could not be made. */
int hv_source_trial_begin(struct hv_source_set *s, const struct hv_source_change *change,
                          bool changes_objects, const char *tried, struct hv_trial *ret_before,
                          struct hv_err *err);
void hv_source_trial_undo(struct hv_source_set *s, const struct hv_trial *before);
/* l came into force, and is kept: ends what is being taken back, and forgets what became of it when the files moved on. */
int hv_source_trial_in_force(struct hv_source_set *s, const struct hv_source_load *l, struct hv_err *err);
/* What is being taken back is taken back on the disk too: before base is kept as the one in force. */
int hv_source_trial_restore(struct hv_source_set *s, struct hv_err *err);
