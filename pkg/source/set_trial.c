/* source/set_trial.c - the set of sources while a revision is on trial (source/trial.h).
 *
 *      begin      "trial" is written  ->  objects of the API are changed  ->  the new revision comes into force
 *      confirm    "trial" is removed
 *      revert, and rolling back
 *                 "trial" says REVERTING  ->  objects are as base had them  ->  base is kept as the one in force
 *                 ->  "trial" says REVERTED
 *
 * Model    While it says REVERTING every load is of base alone, so it makes no difference how far the disk has come; each step
 *          may be done again. A crash finds the old revision, the new one with its deadline, or the way back.
 */
#include <errno.h>

#include "base/fail_place.h"
#include "source/sealed.h"
#include "source/set_private.h"
#include "source/split.h"

#define FILE_NAME "trial"
#define DAMAGED "trial.damaged"
#define MAX_BYTES 4096
#define REVISION_SHOWN 8

/* --- the file --- */

static int keep(struct hv_source_set *s, const struct hv_trial *t, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        int r;

        if (t->phase == HV_TRIAL_NONE)
                r = hv_disk_remove(&s->state, FILE_NAME, err);
        else {
                hv_trial_write(t, &text);
                r = hv_sealed_write(&s->state, FILE_NAME, &text, err);
        }
        s->trial_is_durable = r >= 0;
        return r < 0 ? r : 0;
}

/* Whether what is gone back to can be read. */
static int check_base(const struct hv_source_set *s, const struct hv_trial *t, struct hv_err *err) {
        _hv_cleanup_(hv_revision_files_done) struct hv_revision_files files = {};
        int r = hv_revision_store_read(s->revisions, t->base, &files, err);

        return r < 0 ? hv_err_prefix(err, r, "revision %.*s cannot be gone back to", REVISION_SHOWN, t->base)
                     : 0;
}

static void set_trial(struct hv_source_set *s, const struct hv_trial *t) {
        s->trial = *t;
        hv_revision_store_pin(s->revisions, t->phase == HV_TRIAL_NONE ? NULL : t->base);
}

int hv_source_trial_open(struct hv_source_set *s, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_trial t = {};
        int r = hv_sealed_read(&s->state, FILE_NAME, MAX_BYTES, &text, err);

        s->trial_is_durable = true;
        if (r == -ENOENT) {
                if (err)
                        *err = (struct hv_err){};
                return 0;
        }
        if (r >= 0 && !hv_trial_read(text.data, &t))
                r = hv_err_set(err, -EBADMSG, "%s/" FILE_NAME " does not hold a revision on trial",
                               s->state.path);
        if (r >= 0 && check_base(s, &t, err) < 0)
                r = -EBADMSG; /* better what is in force now than nothing at all */
        if (r == -EBADMSG)
                (void) hv_disk_rename(&s->state, FILE_NAME, DAMAGED, NULL);
        if (r >= 0)
                set_trial(s, &t);
        return r;
}

/* --- what stands in --- */

static void add_text(struct hv_sha256 *sum, const char *name, const char *text, size_t len) {
        hv_sha256_add(sum, name, strlen(name) + 1);
        hv_sha256_add(sum, &len, sizeof len);
        hv_sha256_add(sum, text, len);
}

/* Of the files as they are on the disk now. */
static void digest_files(struct hv_source_set *s, char ret[HV_SHA256_HEX_SIZE]) {
        struct hv_diags *ignored = hv_diags_new();
        struct hv_sha256 sum;
        bool missing;

        hv_files_read(s->files, &missing, ignored);
        hv_sha256_init(&sum);
        for (size_t i = 0; i < hv_files_count(s->files); i++) {
                struct hv_spec_file f = hv_files_get(s->files, i);

                add_text(&sum, f.name, f.text, f.len);
        }
        hv_sha256_finish_hex(&sum, ret);
        (void) hv_diags_free(ignored);
}

bool hv_source_trial_stands_for_files(struct hv_source_set *s) {
        char now[HV_SHA256_HEX_SIZE];

        if (s->looks_past_hold)
                return false;
        if (s->trial.phase == HV_TRIAL_REVERTING)
                return true;
        if (s->trial.phase != HV_TRIAL_REVERTED || !*s->trial.held)
                return false;
        digest_files(s, now);
        return hv_streq(now, s->trial.held);
}

bool hv_source_trial_stands_for_objects(const struct hv_source_set *s) {
        return s->trial.phase == HV_TRIAL_REVERTING && !s->looks_past_hold;
}

int hv_source_trial_gather(struct making *m, const char *source, bool skip_primary) {
        _hv_cleanup_(hv_revision_files_done) struct hv_revision_files files = {};
        struct hv_source_set *s = m->set;
        int r = hv_revision_store_read(s->revisions, s->trial.base, &files, &m->load->err);

        for (size_t i = 0; r >= 0 && i < files.n; i++)
                if (hv_streq(files.v[i].source, source) && !(files.v[i].primary && skip_primary))
                        hv_source_add_file(m, &(struct hv_spec_file){
                                                      .name = files.v[i].name,
                                                      .text = files.v[i].text,
                                                      .len = files.v[i].len,
                                                      .source = files.v[i].source,
                                                      .primary = files.v[i].primary,
                                              });
        return r;
}

/* --- changes --- */

int hv_source_trial_admit(const struct hv_source_set *s, const struct hv_source_change *change,
                          bool changes_objects, struct hv_err *err) {
        const struct hv_trial *t = &s->trial;

        if (change->dry_run)
                return 0;
        if (t->phase == HV_TRIAL_REVERTING && (change->trial || changes_objects || change->n_texts > 0))
                return hv_err_set(err, -EAGAIN, "revision %.*s is being taken back; try again in a moment",
                                  REVISION_SHOWN, t->tried);
        if (t->phase == HV_TRIAL_PENDING && !change->trial && (changes_objects || change->n_texts > 0))
                return hv_err_set(
                        err, -EBUSY,
                        "revision %.*s is on trial: confirm it (hivectl confirm), take it back (hivectl "
                        "confirm --revert), or give this change a deadline, too (--confirm TIME)",
                        REVISION_SHOWN, t->tried);
        if (t->phase == HV_TRIAL_REVERTED && *t->held && change->trial && changes_objects)
                return hv_err_set(
                        err, -EBUSY,
                        "the files are held off since revision %.*s was taken back: mend them first, or "
                        "take them as they are (hivectl apply without a file)",
                        REVISION_SHOWN, t->tried);
        return 0;
}

int hv_source_trial_release(struct hv_source_set *s, struct hv_err *err) {
        const struct hv_trial none = {};
        int r;

        if (s->trial.phase != HV_TRIAL_REVERTED)
                return 0;
        r = keep(s, &none, err);
        if (r >= 0)
                set_trial(s, &none);
        return r;
}

int hv_source_trial_begin(struct hv_source_set *s, const struct hv_source_change *change,
                          bool changes_objects, const char *tried, struct hv_trial *ret_before,
                          struct hv_err *err) {
        struct hv_trial_wish wish = *change->trial;
        struct hv_trial next = s->trial;
        int r;

        if (!wish.base)
                return hv_err_set(err, -EINVAL,
                                  "confirm: no revision is in force yet, so there is none to go back to");
        /* Saved a moment ago and taken in already: the file is on trial all the same. */
        if (!changes_objects && change->trial_before && hv_streq(wish.base, tried))
                wish.base = change->trial_before;
        wish.tried = tried;
        r = hv_trial_begin(&next, &wish, err);
        if (r < 0)
                return r;
        r = check_base(s, &next, err);
        if (r < 0)
                return r;
        *ret_before = s->trial;
        r = keep(s, &next, err);
        if (r < 0) { /* flushing the directory may have been what failed */
                (void) keep(s, ret_before, NULL);
                return r;
        }
        set_trial(s, &next);
        hv_fail_place("trial_begun");
        return 0;
}

/* Where the disk takes nothing any more, the trial stays pending: at its end nothing is found to take back. */
void hv_source_trial_undo(struct hv_source_set *s, const struct hv_trial *before) {
        if (keep(s, before, NULL) >= 0)
                set_trial(s, before);
}

/* --- its end --- */

const struct hv_trial *hv_source_set_trial(const struct hv_source_set *s) {
        return &s->trial;
}

int hv_source_set_confirm(struct hv_source_set *s, struct hv_err *err) {
        struct hv_trial next = s->trial;
        int r = hv_trial_confirm(&next, err);

        if (r < 0)
                return r;
        hv_fail_place("trial_confirming");
        r = keep(s, &next, err);
        if (r < 0)
                return r;
        hv_fail_place("trial_confirmed");
        set_trial(s, &next);
        return 0;
}

/* From now on every load is of next->base. */
static int begin_way_back(struct hv_source_set *s, const struct hv_trial *next, struct hv_err *err) {
        bool was_asked = next->cause == HV_TRIAL_ASKED || next->cause == HV_TRIAL_ROLLED_BACK;
        int r = check_base(s, next, err);

        if (r < 0)
                return r;
        r = keep(s, next, err);
        if (r < 0 && was_asked) {
                s->trial_is_durable = keep(s, &s->trial, NULL) >= 0;
                return r;
        }
        hv_fail_place("trial_reverting");
        set_trial(s, next);
        return r;
}

int hv_source_set_revert(struct hv_source_set *s, enum hv_trial_cause cause, uint64_t now_wall_us,
                         struct hv_err *err) {
        struct hv_trial next = s->trial;
        char held[HV_SHA256_HEX_SIZE];
        int r;

        digest_files(s, held);
        r = hv_trial_revert(&next, cause, held, now_wall_us, err);
        return r < 0 ? r : begin_way_back(s, &next, err);
}

int hv_source_set_roll_back(struct hv_source_set *s, const struct hv_trial_wish *wish, struct hv_err *err) {
        struct hv_trial next = s->trial;
        char held[HV_SHA256_HEX_SIZE];
        int r;

        digest_files(s, held);
        r = hv_trial_roll_back(&next, wish, held, err);
        return r < 0 ? r : begin_way_back(s, &next, err);
}

static bool is_in(const struct hv_revision_files *files, const char *name) {
        for (size_t i = 0; i < files->n; i++)
                if (hv_streq(files->v[i].source, "api") && hv_streq(files->v[i].name, name))
                        return true;
        return false;
}

/* The store of objects as base has them: those that it does not know are dropped. */
static int put_objects_back(struct hv_source_set *s, const struct hv_revision_files *files,
                            struct hv_err *err) {
        HV_VEC(struct hv_stored_object) changes = {};
        HV_VEC(struct hv_pieces) pieces = {};
        const struct hv_stored_object *all;
        size_t n;
        int r;

        all = hv_object_store_all(s->objects, &n);
        for (size_t i = 0; i < n; i++) {
                _hv_cleanup_free_ char *path = hv_object_store_path(all[i].kind, all[i].name);

                if (!is_in(files, path))
                        hv_vec_push(&changes, ((struct hv_stored_object){ .kind = all[i].kind,
                                                                          .name = hv_strdup(all[i].name) }));
        }
        for (size_t i = 0; i < files->n; i++) {
                struct hv_pieces *p;

                if (!hv_streq(files->v[i].source, "api"))
                        continue;
                p = hv_vec_add(&pieces);
                hv_split(files->v[i].text, files->v[i].len, p);
                for (size_t k = 0; k < p->n; k++)
                        hv_vec_push(&changes, ((struct hv_stored_object){ .kind = p->v[k].kind,
                                                                          .name = hv_strdup(p->v[k].name),
                                                                          .text = (char *) files->v[i].text,
                                                                          .len = files->v[i].len }));
        }
        r = hv_object_store_change(s->objects, changes.v, changes.n, err);
        for (size_t i = 0; i < changes.n; i++)
                free(changes.v[i].name);
        hv_vec_done(&changes);
        for (size_t i = 0; i < pieces.n; i++)
                hv_pieces_done(&pieces.v[i]);
        hv_vec_done(&pieces);
        return r;
}

int hv_source_trial_restore(struct hv_source_set *s, struct hv_err *err) {
        _hv_cleanup_(hv_revision_files_done) struct hv_revision_files files = {};
        int r = 0;

        if (s->trial.phase != HV_TRIAL_REVERTING)
                return 0;
        if (!s->trial_is_durable)
                r = keep(s, &s->trial, err);
        if (r >= 0)
                r = hv_revision_store_read(s->revisions, s->trial.base, &files, err);
        if (r >= 0)
                r = hv_source_open_objects(s, err);
        if (r >= 0)
                r = put_objects_back(s, &files, err);
        if (r < 0)
                return r;
        hv_fail_place("trial_objects_back");
        return 0;
}

/* Whether the files, as they are, say something else than what is in force again. */
static bool must_hold_files(struct hv_source_set *s, const struct hv_source_load *base) {
        _hv_cleanup_(hv_source_load_freep) struct hv_source_load *l = hv_source_look_past_hold(s);

        return !l->desired || !hv_streq(l->desired->revision, base->desired->revision);
}

int hv_source_trial_in_force(struct hv_source_set *s, const struct hv_source_load *l, struct hv_err *err) {
        struct hv_trial next = s->trial;
        int r;

        if (next.phase == HV_TRIAL_REVERTED && !l->from_store && !l->held &&
            (*next.held || !hv_streq(l->desired->revision, next.base)))
                return hv_source_trial_release(s, err); /* something new is said: what is past is past */
        if (next.phase != HV_TRIAL_REVERTING)
                return 0;
        hv_fail_place("trial_base_kept");
        hv_trial_reverted(&next, must_hold_files(s, l));
        r = keep(s, &next, err);
        if (r < 0)
                return r;
        hv_fail_place("trial_reverted");
        set_trial(s, &next);
        return 0;
}
