/* agent/archives.c - images from files (images.archives); see preload.h.
 *
 *      folder --> a file that is not known --> room? --> images before --> load --> each name: whose is it? --> known
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/gc.h"
#include "agent/images.h"
#include "agent/preload.h"
#include "base/alloc.h"
#include "base/arena.h"
#include "base/fd.h"
#include "base/map.h"
#include "docker/image.h"
#include "execute/image_record.h"
#include "execute/image_room.h"
#include "log/log.h"
#include "spec/types.h"

#define LOOK_EVERY_US (200 * HV_USEC_PER_MSEC) /* at the disk while it fills; see execute/image_fetch.c */
/* An engine unpacks an archive before it makes layers of it, so both lie on its disk at the end. */
#define TIMES_ITS_SIZE 2u

struct archive {
        char *name;
        uint64_t size_bytes, mtime_ns;
};

struct hv_agent_archives {
        struct hv_agent *agent;
        char *dir;
        HV_VEC(struct archive) todo;
        size_t at;
        bool again, is_waiting; /* again: look once more; is_waiting: for the engine */
        struct hv_docker_call *call;
        struct hv_map *before; /* ids of images */
        HV_VEC(char *) names;  /* of what was in the archive */
        size_t name_at;
        uint64_t looked_us;
        sd_event_source *step; /* a file of which nothing was asked: the next one, in a later turn */
};

/* ---- which files ---- */

static bool is_archive(const char *name) {
        static const char *const endings[] = { ".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst" };
        size_t len = strlen(name);

        for (size_t i = 0; *name != '.' && i < HV_ARRAY_SIZE(endings); i++) {
                size_t n = strlen(endings[i]);

                if (len > n && hv_streq(name + len - n, endings[i]))
                        return true;
        }
        return false;
}

static void cannot(const char *dir, const char *name, int error, const char *why) {
        const struct hv_log_fields fields = { .kind = hv_kind_name(HV_KIND_IMAGE), .name = name };

        (void) hv_log_event_error(HV_EVENT_IMAGE_PULL_FAILED, error, &fields,
                                  "image archive %s/%s is not loaded: %s; it is tried again with the next "
                                  "revision, apply or start",
                                  dir, name, why);
}

static void look_at(struct hv_agent_archives *x, int dir_fd, const char *name) {
        struct archive found = {};
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return; /* it is gone again */
        if (!S_ISREG(st.st_mode)) {
                cannot(x->dir, name, -EINVAL, "it is no regular file");
                return;
        }
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH))) {
                cannot(x->dir, name, -EPERM,
                       "it must belong to root or to the agent's user and be writable by nobody else");
                return;
        }
        found.size_bytes = (uint64_t) st.st_size;
        found.mtime_ns = (uint64_t) st.st_mtim.tv_sec * UINT64_C(1000000000) + (uint64_t) st.st_mtim.tv_nsec;
        if (hv_image_record_has_archive(x->agent->images->record, name, found.size_bytes, found.mtime_ns))
                return;
        found.name = hv_strdup(name);
        hv_vec_push(&x->todo, found);
}

static int by_name(const void *a, const void *b) {
        return strcmp(((const struct archive *) a)->name, ((const struct archive *) b)->name);
}

static void scan(struct hv_agent_archives *x) {
        DIR *dir = opendir(x->dir);
        struct dirent *entry;

        if (!dir) {
                (void) hv_log_error(-errno, "images.archives: %s cannot be read", x->dir);
                return;
        }
        while ((entry = readdir(dir)))
                if (is_archive(entry->d_name))
                        look_at(x, dirfd(dir), entry->d_name);
        (void) closedir(dir);
        if (x->todo.n > 0)
                qsort(x->todo.v, x->todo.n, sizeof *x->todo.v, by_name);
}

/* ---- one file after the other ---- */

static void load_next(struct hv_agent_archives *x);

static void forget_names(struct hv_agent_archives *x) {
        for (size_t i = 0; i < x->names.n; i++)
                free(x->names.v[i]);
        hv_vec_clear(&x->names);
        x->name_at = 0;
        x->before = hv_map_free(x->before);
}

static int on_step(sd_event_source *s, void *userdata) {
        (void) s;
        load_next(userdata);
        return 0;
}

static void next(struct hv_agent_archives *x) {
        forget_names(x);
        x->at++;
        (void) sd_event_source_set_enabled(x->step, SD_EVENT_ONESHOT);
}

static void failed(struct hv_agent_archives *x, int error, const char *why) {
        cannot(x->dir, x->todo.v[x->at].name, error, why);
        next(x);
}

static void ask_name(struct hv_agent_archives *x);

static void on_named(void *userdata, struct hv_docker_result *result) {
        struct hv_agent_archives *x = userdata;
        const char *name = x->names.v[x->name_at++];

        x->call = NULL;
        if (result->outcome == HV_DOCKER_OK && !hv_map_get(x->before, result->image->id))
                hv_image_record_add(x->agent->images->record, name, result->image->id, hv_agent_wall_us());
        ask_name(x);
}

static void ask_name(struct hv_agent_archives *x) {
        const struct archive *a = &x->todo.v[x->at];
        const struct hv_log_fields fields = { .kind = hv_kind_name(HV_KIND_IMAGE), .name = a->name };

        if (x->name_at < x->names.n) {
                x->call = hv_docker_image_inspect(x->agent->docker, x->names.v[x->name_at],
                                                  (struct hv_docker_then){ .fn = on_named, .userdata = x });
                return;
        }
        hv_image_record_put_archive(x->agent->images->record, a->name, a->size_bytes, a->mtime_ns);
        hv_log_event(HV_EVENT_IMAGE_LOADED, &fields, "image archive %s/%s: %zu images loaded", x->dir,
                     a->name, x->names.n);
        hv_agent_preload_came(x->agent);
        next(x);
}

static void on_loaded(void *userdata, struct hv_docker_result *result) {
        struct hv_agent_archives *x = userdata;

        x->call = NULL;
        if (result->outcome == HV_DOCKER_OK)
                ask_name(x);
        else
                failed(x, result->error, result->message);
}

static void on_image(void *userdata, const char *name) {
        struct hv_agent_archives *x = userdata;

        hv_vec_push(&x->names, hv_strdup(name));
}

static int check_room(struct hv_agent_archives *x, uint64_t need_bytes, struct hv_err *err) {
        struct hv_image_room room = hv_image_room_of(
                x->agent->docker, hv_agent_images_source(x->agent)->is_local, hv_core_active(x->agent->core));
        int r = hv_image_room_check(&room, need_bytes, err);

        if (r < 0)
                hv_agent_gc_wanted(x->agent);
        return r;
}

/* What a packed archive takes shows only as the disk fills. */
static void on_progress(void *userdata, const struct hv_docker_progress *progress) {
        struct hv_agent_archives *x = userdata;
        struct hv_err err = {};

        (void) progress;
        if (hv_agent_now_us() - x->looked_us < LOOK_EVERY_US)
                return;
        x->looked_us = hv_agent_now_us();
        if (check_room(x, 0, &err) == 0)
                return;
        hv_docker_call_cancel(HV_STEAL(x->call));
        failed(x, err.code, err.msg);
}

static void on_before(void *userdata, struct hv_docker_result *result) {
        struct hv_agent_archives *x = userdata;
        _hv_cleanup_free_ char *path = hv_asprintf("%s/%s", x->dir, x->todo.v[x->at].name);
        const struct hv_docker_load load = {
                .path = path,
                .stall_us = hv_core_active(x->agent->core)->settings.pull_stall_us,
                .on_progress = on_progress,
                .on_image = on_image,
                .userdata = x,
        };

        x->call = NULL;
        if (result->outcome != HV_DOCKER_OK) {
                failed(x, result->error, result->message);
                return;
        }
        x->before = hv_map_new(NULL);
        for (size_t i = 0; i < result->images->n; i++)
                hv_map_put(x->before, result->images->v[i].id, x);
        x->call = hv_docker_image_load(x->agent->docker, &load,
                                       (struct hv_docker_then){ .fn = on_loaded, .userdata = x });
}

static void done(struct hv_agent_archives *x) {
        for (size_t i = 0; i < x->todo.n; i++)
                free(x->todo.v[i].name);
        hv_vec_clear(&x->todo);
        x->at = 0;
        if (x->again) {
                x->again = false;
                hv_agent_archives_look(x->agent);
        }
}

static void load_next(struct hv_agent_archives *x) {
        struct hv_err err = {};

        if (x->at == x->todo.n) {
                done(x);
                return;
        }
        x->is_waiting = !x->agent->docker || !hv_core_is_engine_ready(x->agent->core);
        if (x->is_waiting)
                return;
        if (check_room(x, x->todo.v[x->at].size_bytes * TIMES_ITS_SIZE, &err) < 0) {
                failed(x, err.code, err.msg);
                return;
        }
        x->call = hv_docker_image_list(x->agent->docker,
                                       (struct hv_docker_then){ .fn = on_before, .userdata = x });
}

/* ---- life ---- */

void hv_agent_archives_passed(struct hv_agent *a) {
        if (a->archives && a->archives->is_waiting && hv_core_is_engine_ready(a->core))
                load_next(a->archives);
}

void hv_agent_archives_look(struct hv_agent *a) {
        const struct hv_desired *d = hv_core_active(a->core);
        const char *dir = d && d->tree ? d->tree->state.images.archives : NULL;
        struct hv_agent_archives *x = a->archives;

        if (!a->images || (!x && !dir))
                return;
        if (!x) {
                x = a->archives = HV_NEW(struct hv_agent_archives);
                x->agent = a;
                if (sd_event_add_defer(a->event, &x->step, on_step, x) >= 0)
                        (void) sd_event_source_set_enabled(x->step, SD_EVENT_OFF);
        }
        if (x->todo.n > 0) {
                x->again = true;
                return;
        }
        free(x->dir);
        x->dir = hv_strdup(dir);
        if (!dir)
                return;
        scan(x);
        if (x->todo.n > 0)
                load_next(x);
}

void hv_agent_archives_end(struct hv_agent *a) {
        struct hv_agent_archives *x = a->archives;

        if (!x)
                return;
        hv_docker_call_cancel(x->call);
        sd_event_source_disable_unref(x->step);
        forget_names(x);
        hv_vec_done(&x->names);
        for (size_t i = 0; i < x->todo.n; i++)
                free(x->todo.v[i].name);
        hv_vec_done(&x->todo);
        free(x->dir);
        free(x);
        a->archives = NULL;
}
