/* source/set.h - all sources of this machine, and what they say together.
 *
 *      primary file, drop-ins ---.
 *      api (<state>/api) ---------+--> hv_spec_load() --> desired + secrets    all of it,
 *      environment, flags -------'                   '--> findings             or none of it
 *                                                                  | in force
 *      <state>/revisions  <------------------------------------------'   read back by hv_source_set_last_good()
 *
 * Model    hv_source_set_load() reads what changed and judges everything; it changes nothing on disk but what
 *          it must keep for ever (a first node id, a generated secret). The caller hands the result to the
 *          core and, when the core has put it in force, tells hv_source_set_in_force(): then it is kept, so
 *          that a restart beside a broken file goes on with it.
 * Rules    An unreadable or invalid source gives no desired state, so what is in force stays (docs, "Guard").
 *          A primary file that is there and holds no document is refused (E0010): it is what a crash leaves
 *          of a file. The primary file must exist, unless it is the default one, never was there, and a
 *          pool's address comes from the environment or a flag: then an empty NodeState is assumed. The node
 *          id is claimed (source/node_id.h) before a desired state is given out.
 * Owner    the loop's. Nothing here blocks on anything but local files.
 */
#pragma once

#include "source/facts.h"
#include "source/object_store.h"
#include "source/revision_store.h"
#include "source/rotate.h"
#include "source/secrets.h"
#include "source/trial.h"
#include "spec/load.h"

struct sd_event;
struct hv_source_set;

#define HV_SOURCE_CONFIG "/etc/hivelet/node.yaml"
#define HV_SOURCE_CONFIG_DIR "/etc/hivelet/conf.d"
#define HV_SOURCE_STATE_DIR "/var/lib/hivelet"

struct hv_source_options {          /* copied */
        const char *config;         /* NULL: HV_SOURCE_CONFIG */
        bool config_may_be_missing; /* as of HV_SOURCE_CONFIG; one that somebody named must exist */
        const char *config_dir;     /* NULL: HV_SOURCE_CONFIG_DIR */
        const char *state_dir;      /* NULL: HV_SOURCE_STATE_DIR */
        const char *credentials;    /* $CREDENTIALS_DIRECTORY; NULL: none */
        const char *hostname;       /* node id of last resort */
        hv_spec_env_fn env;         /* ${VAR} and the documented variables; NULL: nothing is set */
        void *env_userdata;
        const struct hv_spec_override *flags; /* the command line's; they win over the environment */
        size_t n_flags;
        hv_spec_given_fn *given; /* what VPN services gave; NULL: nothing */
        void *given_userdata;
        bool change_node_id; /* the first good load may have another id than the state directory; no later one */
        bool look_only; /* judge, and touch nothing: no directory, node id or secret is made (`hivelet --check`) */
};

/* Opens the state directory (-EBUSY: another hivelet has it) and what is in it. -EBADMSG: the list of
 * revisions, or what is known of a trial, was damaged and put aside; *ret is written all the same, and err says what to tell the operator.
 * Any other error: no set. */
int hv_source_set_new(const struct hv_source_options *options, struct hv_source_set **ret,
                      struct hv_err *err);
struct hv_source_set *hv_source_set_free(struct hv_source_set *s); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_source_set, hv_source_set_free);

/* What the driver told; the next load judges by it. Until then nothing is known of GPUs. */
void hv_source_set_gpus(struct hv_source_set *s, const struct hv_spec_gpu_fact *gpus, size_t n);
/* The engine gives a container none of them, and why; NULL: it does. */
void hv_source_set_gpus_withheld(struct hv_source_set *s, const char *why);

/* `changed` is called from the loop when a file was closed, moved or removed: time to load. */
int hv_source_set_watch(struct hv_source_set *s, struct sd_event *event, void (*changed)(void *userdata),
                        void *userdata, struct hv_err *err);

/* The next load reads every file, changed or not (SIGHUP). */
void hv_source_set_forget(struct hv_source_set *s);

/* What the sources said at one time. The caller owns it; it holds the secrets that belong to `desired`. */
struct hv_source_load {
        struct hv_desired *desired; /* NULL: refused, `diags` or `err` says why */
        struct hv_diags *diags;     /* sorted; never NULL */
        struct hv_secrets *secrets; /* NULL: refused, look_only or a dry run */
        struct hv_err err; /* code 0, or why there is nothing though the documents are good (node id, disk) */
        bool from_store;   /* by hv_source_set_last_good() */
        char by[64]; /* who wants it, for the list of revisions; "": what the files say. The caller's to fill in */
        bool held;              /* the files are held off: what they said before a trial stands in for them */
        struct hv_arena *arena; /* of `files` */
        const struct hv_revision_file *files; /* the documents it was made of; NULL: refused */
        size_t n_files;
};
struct hv_source_load *hv_source_load_free(struct hv_source_load *l); /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_source_load, hv_source_load_free);

/* A change that somebody asks for. */
struct hv_source_text {
        const char *name; /* for messages: "web.yaml", "-" */
        const char *path; /* absolute; NULL: not a file */
        const char *text;
        size_t len;
};

struct hv_source_change {
        const struct hv_source_text *texts;
        size_t n_texts;
        enum hv_kind forget_kind; /* HV_KIND_NONE: nothing */
        const char *forget_name;
        bool dry_run; /* judge it and keep nothing; a NodeState among the texts stands in for the primary file */
        const struct hv_source_load
                *in_force; /* a primary file that looks cut beside it is refused; NULL: none */
        bool is_reload;    /* nobody asked for the files by name: those that are held off stay so */
        const struct hv_trial_wish
                *trial; /* the change is on trial, `tried` is filled in; NULL: it is for good */
        const char *
                trial_before; /* was in force before a file was saved that this change is about; NULL: no matter */
};

/* Reads what was touched and judges everything. Never NULL, as the two below. */
struct hv_source_load *hv_source_set_load(struct hv_source_set *s);

/* The same with a change: its objects go to the source `api` when all is well (and not a dry run), its
 * NodeState must be the primary file. An object to forget that was not made through the API is -ENOENT in
 * `err`. */
struct hv_source_load *hv_source_set_change(struct hv_source_set *s, const struct hv_source_change *change);

/* The last revision that was in force, from the store; while one is being taken back, the one before it. Facts are not asked: what it needs of the machine was
 * there once, and a secret that is missing now shows where it is used. -ENOENT in `err`: there is none, or (with
 * change_node_id, until an id was claimed) it is of another node. */
struct hv_source_load *hv_source_set_last_good(struct hv_source_set *s);

/* One of the revisions that the store holds, for what it says only: no secret is loaded, nothing is written.
 * -ENOENT in `err`: not kept; other codes or `diags`: it cannot be read any more. */
struct hv_source_load *hv_source_set_kept(struct hv_source_set *s, const char *revision);

/* The core put l->desired in force: keeps it. 1 written, 0 it was in force already. */
int hv_source_set_in_force(struct hv_source_set *s, const struct hv_source_load *l, uint64_t now_wall_us,
                           struct hv_err *err);

/* Another key in the place of a secret's (rotate.h); of one that is not generated, NOW reads its file or credential again, and the
 * others are -EOPNOTSUPP. What loads hold stays as it is: hv_secrets_put(). The caller owns *ret. */
int hv_source_set_rotate(struct hv_source_set *s, const struct hv_spec_secret *spec, enum hv_rotation how,
                         struct hv_secret **ret, struct hv_err *err);

/* The revision on trial, and what became of the last one. Borrowed. */
const struct hv_trial *hv_source_set_trial(const struct hv_source_set *s);
/* The yes to it, durable. Errors as hv_trial_confirm(), or why it cannot be made durable: then it stays pending. */
int hv_source_set_confirm(struct hv_source_set *s, struct hv_err *err);
/* From now on every load is of what was in force before the trial, and so is the last good revision, which the caller puts in force;
 * hv_source_set_in_force() ends it, on the disk too. A disk that takes nothing is an error: of one that was asked for, and
 * nothing is changed; of another one it is to be told, and what is in force goes back all the same. */
int hv_source_set_revert(struct hv_source_set *s, enum hv_trial_cause cause, uint64_t now_wall_us,
                         struct hv_err *err);

/* The same way to wish->base, any kept revision, with nothing on trial before it; wish->tried is the one in force. What the disk does
 * not take is not begun. */
int hv_source_set_roll_back(struct hv_source_set *s, const struct hv_trial_wish *wish, struct hv_err *err);

/* Secrets that lie in <state>/secrets, where generated ones do: written durably (0600); 1 removed, 0 it was not there; each by its
 * name. Nothing is read again by itself. */
int hv_source_set_put_secret(struct hv_source_set *s, const char *name, const void *data, size_t len,
                             struct hv_err *err);
int hv_source_set_remove_secret(struct hv_source_set *s, const char *name, struct hv_err *err);
int hv_source_set_each_secret(struct hv_source_set *s,
                              void (*fn)(void *userdata, const char *name, uint64_t size_bytes),
                              void *userdata, struct hv_err *err);

struct hv_revision_store *hv_source_set_revisions(struct hv_source_set *s);
const struct hv_object_store *hv_source_set_objects(const struct hv_source_set *s);

/* What is shown about one source. */
struct hv_source_status {
        const char *name;  /* "file", "api" */
        const char *where; /* path */
        bool good;         /* its last reading was */
};
size_t hv_source_set_status(const struct hv_source_set *s, struct hv_source_status ret[2]);
