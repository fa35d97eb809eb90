/* lib/engine.c - see engine.h. */
#include "lib/engine.h"

#include <errno.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "testing.h"

extern char **environ;

struct hv_engine {
        char *dir, *url;
        bool own;
};

static void script(const char *command, const char *kind, const char *dir) {
        char *const argv[] = { (char *) (HV_SOURCE_DIR "/test/lib/engine.sh"), (char *) command,
                               (char *) (kind ? kind : dir), (char *) (kind ? dir : NULL), NULL };
        pid_t pid;
        int status, r;

        r = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
        if (r != 0)
                fail_msg("%s: %s", argv[0], strerror(r));
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        fail_msg("waitpid: %s", strerror(errno));
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                fail_msg("engine.sh %s %s %s: status %d", command, kind ? kind : "", dir, status);
}

static struct hv_engine *engine_new(const char *name, bool own) {
        struct hv_engine *e = HV_NEW(struct hv_engine);

        e->dir = hv_asprintf("%s-%s", HV_ENGINE_DIR, name);
        e->url = hv_asprintf("unix://%s/sock", e->dir);
        e->own = own;
        return e;
}

struct hv_engine *hv_engine_shared(const char *kind) {
        struct hv_engine *e = engine_new(kind, false);

        if (access(e->url + strlen("unix://"), F_OK) < 0)
                fail_msg("no engine at %s: run it by ctest, or first: test/lib/engine.sh start %s %s", e->url,
                         kind, e->dir);
        return e;
}

struct hv_engine *hv_engine_start(const char *kind, const char *name) {
        struct hv_engine *e = engine_new(name, true);

        script("start", kind, e->dir);
        return e;
}

struct hv_engine *hv_engine_free(struct hv_engine *e) {
        if (!e)
                return NULL;
        if (e->own)
                script("stop", NULL, e->dir);
        free(e->dir);
        free(e->url);
        free(e);
        return NULL;
}

const char *hv_engine_url(const struct hv_engine *e) {
        return e->url;
}

const char *hv_engine_dir(const struct hv_engine *e) {
        return e->dir;
}

void hv_engine_kill(struct hv_engine *e) {
        script("kill", NULL, e->dir);
}

void hv_engine_term(struct hv_engine *e) {
        script("term", NULL, e->dir);
}

void hv_engine_restart(struct hv_engine *e) {
        script("restart", NULL, e->dir);
}
