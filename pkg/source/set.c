/* source/set.c - see set.h: the life of a set, and what it is told and asked; what it says is made by set_load.c. */
#include "source/set.h"

#include <errno.h>
#include <unistd.h>

#include "base/fail_place.h"
#include "source/set_private.h"

static char *absolute(const char *path) {
        _hv_cleanup_free_ char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);

        return cwd ? hv_asprintf("%s/%s", cwd, path) : hv_strdup(path);
}

/* What was there in an earlier life of this process is not "never there". */
static void remember(struct hv_source_set *s) {
        const char *revision = hv_revision_store_active(s->revisions);
        struct hv_revision_files files;
        size_t len = strlen(s->config_dir);

        if (!revision || hv_revision_store_read(s->revisions, revision, &files, NULL) < 0)
                return;
        for (size_t i = 0; i < files.n; i++) {
                s->had_primary = s->had_primary || files.v[i].primary;
                if (strncmp(files.v[i].name, s->config_dir, len) == 0 && files.v[i].name[len] == '/')
                        hv_files_expect_dir(s->files);
        }
        hv_revision_files_done(&files);
}

static int open_state(struct hv_source_set *s, struct hv_err *err) {
        int r;

        if (s->look_only) {
                r = hv_disk_open_existing(s->state_dir, &s->state, err);
                return r == -ENOENT ? 0 : r;
        }
        r = hv_disk_open(s->state_dir, &s->state, err);
        if (r >= 0)
                r = hv_disk_lock(&s->state, err);
        if (r < 0)
                return r;
        hv_disk_clean(&s->state);
        r = hv_revision_store_open(&s->state, &s->revisions, err);
        if (!s->revisions)
                return r;
        remember(s);
        if (r < 0)
                (void) hv_source_trial_open(s, NULL); /* the list of revisions is what is told */
        return r < 0 ? r : hv_source_trial_open(s, err);
}

int hv_source_set_new(const struct hv_source_options *options, struct hv_source_set **ret,
                      struct hv_err *err) {
        _hv_cleanup_(hv_source_set_freep) struct hv_source_set *s = HV_NEW(struct hv_source_set);
        int r;

        s->state = (struct hv_disk) HV_DISK_NONE;
        s->config = absolute(options->config ? options->config : HV_SOURCE_CONFIG);
        s->config_is_named = options->config && !options->config_may_be_missing;
        s->config_dir = absolute(options->config_dir ? options->config_dir : HV_SOURCE_CONFIG_DIR);
        s->state_dir = absolute(options->state_dir ? options->state_dir : HV_SOURCE_STATE_DIR);
        s->credentials = hv_strdup(options->credentials);
        s->hostname = hv_strdup(options->hostname);
        s->change_node_id = options->change_node_id;
        s->look_only = options->look_only;
        s->env = options->env;
        s->env_userdata = options->env_userdata;
        s->given = options->given;
        s->given_userdata = options->given_userdata;
        for (size_t i = 0; i < options->n_flags; i++)
                hv_spec_overrides_add(&s->flags, options->flags[i].field, options->flags[i].text,
                                      options->flags[i].origin);
        s->files =
                hv_files_new(&(struct hv_files_options){ .config = s->config, .config_dir = s->config_dir });
        s->facts = hv_facts_new(s->state_dir);
        s->api_good = true;
        r = open_state(s, err);
        if (r < 0 && r != -EBADMSG)
                return r;
        *ret = HV_STEAL(s);
        return r;
}

struct hv_source_set *hv_source_set_free(struct hv_source_set *s) {
        if (!s)
                return NULL;
        (void) hv_files_free(s->files);
        (void) hv_object_store_free(s->objects);
        (void) hv_revision_store_free(s->revisions);
        (void) hv_facts_free(s->facts);
        hv_disk_close(&s->state);
        hv_spec_overrides_done(&s->flags);
        free(s->config);
        free(s->config_dir);
        free(s->state_dir);
        free(s->credentials);
        free(s->hostname);
        free(s);
        return NULL;
}

int hv_source_set_in_force(struct hv_source_set *s, const struct hv_source_load *l, uint64_t now_wall_us,
                           struct hv_err *err) {
        int r, written;

        if (!l->desired || !s->revisions)
                return hv_err_set(err, -EINVAL, "there is no desired state to keep");
        if (l->from_store && s->trial.phase != HV_TRIAL_REVERTING)
                return 0;
        r = hv_source_trial_restore(s, err);
        if (r < 0)
                return r;
        r = hv_revision_store_activate(s->revisions, l->desired->revision, now_wall_us, l->files, l->n_files,
                                       (unsigned) l->desired->n_objects, l->by,
                                       l->desired->settings.keep_revisions, err);
        if (r < 0)
                return r;
        written = r;
        if (written > 0 && s->trial.phase == HV_TRIAL_PENDING)
                hv_fail_place("trial_in_force");
        r = hv_source_trial_in_force(s, l, err);
        return r < 0 ? r : written;
}

void hv_source_set_gpus(struct hv_source_set *s, const struct hv_spec_gpu_fact *gpus, size_t n) {
        hv_facts_set_gpus(s->facts, gpus, n);
}

void hv_source_set_gpus_withheld(struct hv_source_set *s, const char *why) {
        hv_facts_set_gpus_withheld(s->facts, why);
}

int hv_source_set_watch(struct hv_source_set *s, struct sd_event *event, void (*changed)(void *userdata),
                        void *userdata, struct hv_err *err) {
        return hv_files_watch(s->files, event, changed, userdata, err);
}

void hv_source_set_forget(struct hv_source_set *s) {
        hv_files_forget(s->files);
}

int hv_source_set_rotate(struct hv_source_set *s, const struct hv_spec_secret *spec, enum hv_rotation how,
                         struct hv_secret **ret, struct hv_err *err) {
        _hv_cleanup_(hv_disk_close) struct hv_disk dir = HV_DISK_NONE;
        int r;

        if (spec->generate == HV_GENERATE_NONE) {
                if (how != HV_ROTATION_NOW)
                        return hv_err_set(
                                err, -EOPNOTSUPP,
                                "secret %s is not generated: put another key where it comes from (%s "
                                "%s), then rotate",
                                spec->o.name, spec->from_file ? "file" : "credential",
                                spec->from_file ? spec->from_file : spec->from_credential);
                return hv_secret_load(spec, &s->state, s->credentials, ret, err);
        }
        r = hv_disk_open_below(&s->state, "secrets", &dir, err);
        return r < 0 ? r : hv_rotate_key(&dir, spec->o.name, how, ret, err);
}

struct hv_revision_store *hv_source_set_revisions(struct hv_source_set *s) {
        return s->revisions;
}

const struct hv_object_store *hv_source_set_objects(const struct hv_source_set *s) {
        return s->objects;
}

size_t hv_source_set_status(const struct hv_source_set *s, struct hv_source_status ret[2]) {
        ret[0] = (struct hv_source_status){ .name = "file", .where = s->config, .good = s->file_good };
        ret[1] = (struct hv_source_status){ .name = "api", .where = s->state_dir, .good = s->api_good };
        return 2;
}
