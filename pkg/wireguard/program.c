/* wireguard/program.c - see program.h. */
#include "wireguard/program.h"

#include <errno.h>

#include "base/alloc.h"
#include "wireguard/uapi.h"

struct hv_wg_program {
        struct hv_wg_program_setup setup;
        struct hv_wg_backend backend;
};

/* What is pending is a launch or a question, and each is ended in its own way. */
struct pending {
        struct hv_wg_answer inner, *outer;
        bool is_launch;
};

static void forward(struct hv_wg_answer *inner, int r, const struct hv_err *err) {
        struct pending *p = (struct pending *) inner;
        struct hv_wg_answer *outer = p->outer;

        outer->pending = NULL;
        free(p);
        outer->done(outer, r, err);
}

static struct pending *pending_new(struct hv_wg_answer *outer, bool is_launch) {
        struct pending *p = HV_NEW(struct pending);

        *p = (struct pending){ { .done = forward }, outer, is_launch };
        return p;
}

static int begun(struct pending *p, int r) {
        if (r == HV_WG_LATER)
                p->outer->pending = p;
        else
                free(p);
        return r;
}

static void cancel(void *self, struct hv_wg_answer *a) {
        struct pending *p = HV_STEAL(a->pending);

        (void) self;
        if (!p)
                return;
        if (p->is_launch)
                hv_wg_launch_cancel(&p->inner);
        else
                hv_wg_uapi_cancel(&p->inner);
        free(p);
}

static int make(void *self, const char *interface, struct hv_wg_answer *a, struct hv_err *err) {
        struct hv_wg_program *p = self;
        struct pending *pending = pending_new(a, true);

        return begun(pending, hv_wg_launch(p->setup.event, p->setup.way, p->setup.program, interface,
                                           &pending->inner, err));
}

static int ask(struct hv_wg_program *p, const char *interface, struct hv_wg_text *request,
               struct hv_wg_interface *into, struct hv_wg_answer *a, struct hv_err *err) {
        struct pending *pending;
        char path[128];

        if (!hv_wg_uapi_path(p->setup.directory, interface, path, sizeof path)) {
                hv_wg_text_done(request);
                return hv_err_set(err, -ENAMETOOLONG, "%s/%s.sock is too long for a socket",
                                  p->setup.directory, interface);
        }
        pending = pending_new(a, false);
        return begun(pending, hv_wg_uapi_ask(p->setup.event, path, request, into, &pending->inner, err));
}

static int get(void *self, const char *interface, struct hv_wg_interface *into, struct hv_wg_answer *a,
               struct hv_err *err) {
        struct hv_wg_text request = {};

        hv_wg_uapi_get(&request);
        return ask(self, interface, &request, into, a, err);
}

static int set(void *self, const char *interface, const struct hv_wg_step *steps, size_t n,
               struct hv_wg_answer *a, struct hv_err *err) {
        struct hv_wg_text request = {};

        hv_wg_uapi_set(steps, n, &request);
        return ask(self, interface, &request, NULL, a, err);
}

struct hv_wg_program *hv_wg_program_new(const struct hv_wg_program_setup *setup) {
        struct hv_wg_program *p = HV_NEW(struct hv_wg_program);

        p->setup = *setup;
        if (!p->setup.directory)
                p->setup.directory = HV_WG_UAPI_DIRECTORY;
        if (!p->setup.program)
                p->setup.program = HV_WG_PROGRAM;
        p->backend = (struct hv_wg_backend){ .name = "wireguard-go",
                                             .link_kind = HV_WG_LINK_TUN,
                                             .self = p,
                                             .make = make,
                                             .get = get,
                                             .set = set,
                                             .cancel = cancel };
        return p;
}

struct hv_wg_program *hv_wg_program_free(struct hv_wg_program *p) {
        free(p);
        return NULL;
}

const struct hv_wg_backend *hv_wg_program_backend(const struct hv_wg_program *p) {
        return &p->backend;
}
