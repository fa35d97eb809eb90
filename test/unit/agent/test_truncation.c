/* A file cut at every byte: each through loader, guard and planner, beside a node that runs the whole file.
 *
 * What must hold: not one container, network or volume is stopped, changed or removed, and nothing is made; with one kind of
 * exception, which is named: a cut between two objects at the end of a line leaves a shorter valid file. That is an edit, and
 * the guard's share decides; then at most node.safety.maxPrune of the objects may go, and nothing else may happen.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bed.h"
#include "source/cut.h"

struct scene {
        const char *what, *text;
};

static const struct scene scenes[] = {
        { "block style", "apiVersion: hivelet/v1\n"
                         "kind: NodeState\n"
                         "metadata:\n"
                         "  name: cut\n"
                         "spec:\n"
                         "  node:\n"
                         "    safety:\n"
                         "      maxPrune: 50%\n"
                         "  networks:\n"
                         "    - name: net\n"
                         "      options: {a: b}\n"
                         "  volumes:\n"
                         "    - name: data\n"
                         "      reclaim: delete\n"
                         "  services:\n"
                         "    - name: one\n"
                         "      image: localhost/one:12\n"
                         "      networks: [{name: net}]\n"
                         "      command: [/bin/sleep, \"100\"]\n"
                         "      resources: {limits: {cpu: 200m, memory: 320Mi, pids: 20}}\n"
                         "    - name: two\n"
                         "      image: localhost/two:12\n"
                         "      networks: [{name: net}]\n"
                         "      mounts: [{volume: data, target: /data/two}]\n"
                         "      env: [{name: A, value: \"1\"}]\n"
                         "      replicas: 12\n"
                         "    - name: three\n"
                         "      image: localhost/three:12\n"
                         "      networks: [{name: net}]\n"
                         "      restart: {policy: onFailure}\n"
                         "      stop: {grace: 15s}\n" },
        { "flow style, one object a line",
          "apiVersion: hivelet/v1\n"
          "kind: NodeState\n"
          "metadata: {name: cut}\n"
          "spec:\n"
          "  services:\n"
          "    - {name: one, image: \"localhost/one:12\", network: none}\n"
          "    - {name: two, image: \"localhost/two:12\", network: none, replicas: 3}\n"
          "    - {name: three, image: \"localhost/three:12\", network: none}\n"
          "    - {name: four, image: \"localhost/four:12\", network: none}\n" },
        { "several documents", "apiVersion: hivelet/v1\n"
                               "kind: NodeState\n"
                               "metadata: {name: cut}\n"
                               "spec: {}\n"
                               "---\n"
                               "apiVersion: hivelet/v1\n"
                               "kind: Service\n"
                               "metadata: {name: one}\n"
                               "spec:\n"
                               "  image: localhost/one:12\n"
                               "  network: none\n"
                               "---\n"
                               "apiVersion: hivelet/v1\n"
                               "kind: Service\n"
                               "metadata: {name: two}\n"
                               "spec:\n"
                               "  image: localhost/two:12\n"
                               "  network: none\n" },
};

struct place {
        char dir[64], file[96], state[96];
};

static void write_file(const struct place *p, const char *text, size_t len) {
        int fd = open(p->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, len), (ssize_t) len);
        assert_int_equal(close(fd), 0);
}

static struct hv_source_set *sources(const struct place *p) {
        const struct hv_source_options options = {
                .config = p->file, .config_dir = "/nonexistent", .state_dir = p->state, .hostname = "cut"
        };
        struct hv_source_set *s = NULL;
        struct hv_err err = {};

        if (hv_source_set_new(&options, &s, &err) < 0)
                fail_msg("%s", err.msg);
        return s;
}

static struct hv_source_load *load(struct hv_source_set *s) {
        hv_source_set_forget(s);
        return hv_source_set_load(s);
}

static bool only_removals(const char *log) {
        return !strstr(log, "create") && !strstr(log, "start") && !strstr(log, "update") &&
               !strstr(log, "pull") && !strstr(log, "connect");
}

/* The engine runs `whole`; the node is offered `cut` in a fresh core, as after a restart, and in the running one. */
static size_t offer(struct bed *b, struct hv_desired *cut) {
        size_t before = b->containers.n + b->networks.n + b->volumes.n;
        const char *log;

        (void) bed_log_all(b);
        bed_desire(b, hv_desired_ref(cut));
        bed_run(b);
        log = bed_log(b);
        if (!only_removals(log))
                fail_msg("more than removals: %s", log);
        return before - (b->containers.n + b->networks.n + b->volumes.n);
}

static void cut_everywhere(void **state) {
        const struct scene *scene = *state;
        struct place p;
        _hv_cleanup_(hv_source_set_freep) struct hv_source_set *set = NULL;
        _hv_cleanup_(hv_source_load_freep) struct hv_source_load *whole = NULL;
        size_t len = strlen(scene->text), n_refused = 0, n_parked = 0, n_same = 0, n_edits = 0;
        char command[128];

        (void) snprintf(p.dir, sizeof p.dir, "/tmp/hv-cut-XXXXXX");
        assert_non_null(mkdtemp(p.dir));
        (void) snprintf(p.file, sizeof p.file, "%s/node.yaml", p.dir);
        (void) snprintf(p.state, sizeof p.state, "%s/state", p.dir);
        write_file(&p, scene->text, len);
        set = sources(&p);
        whole = load(set);
        if (!whole->desired)
                fail_msg("the whole file is refused: %s",
                         hv_diags_all(whole->diags, &(size_t){ 0 })->message);

        for (size_t at = 0; at < len; at++) {
                struct hv_source_load *cut;
                struct bed *b;
                size_t removed;

                write_file(&p, scene->text, at);
                cut = load(set);
                if (!cut->desired || hv_source_refuse_cut(cut, whole)) {
                        n_refused++;
                        assert_true(hv_diags_errors(cut->diags) > 0 || cut->err.code != 0);
                        hv_source_load_free(cut);
                        continue;
                }
                b = bed_new();
                bed_desire(b, hv_desired_ref(whole->desired));
                bed_run(b);
                assert_true(bed_status(b).synced);
                removed = offer(b, cut->desired);
                if (bed_status(b).parked_revision) {
                        n_parked++;
                        assert_int_equal(removed, 0);
                } else if (removed == 0)
                        n_same++;
                else {
                        n_edits++;
                        print_message(
                                "  %s: a cut at byte %zu counts as an edit: it takes %zu objects of the engine "
                                "away, in the share that maxPrune allows\n",
                                scene->what, at, removed);
                        assert_int_equal(scene->text[at - 1], '\n');
                }
                bed_free(b);
                hv_source_load_free(cut);
        }
        print_message("%s: %zu cuts: %zu refused, %zu parked by the guard, %zu mean the same, %zu edits\n",
                      scene->what, len, n_refused, n_parked, n_same, n_edits);
        assert_in_range(n_edits, 0, 4);
        assert_true(n_refused > len * 3 / 4);
        (void) snprintf(command, sizeof command, "rm -rf %s", p.dir);
        assert_int_equal(system(command), 0);
}

/* An operator who means it says so, and is believed. */
static void an_end_mark_makes_it_an_edit(void **state) {
        static const char whole_text[] =
                "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: cut}\nspec:\n"
                "  services:\n    - name: one\n      image: localhost/one:12\n"
                "      network: none\n      workdir: /srv\n";
        struct place p;
        _hv_cleanup_(hv_source_set_freep) struct hv_source_set *set = NULL;
        _hv_cleanup_(hv_source_load_freep) struct hv_source_load *whole = NULL, *cut = NULL, *meant = NULL;
        size_t shorter = sizeof whole_text - 1 - strlen("      workdir: /srv\n");
        char text[sizeof whole_text + 4], command[128];
        const struct hv_diag *all;
        bool found = false;
        size_t n;

        (void) state;
        (void) snprintf(p.dir, sizeof p.dir, "/tmp/hv-cut-XXXXXX");
        assert_non_null(mkdtemp(p.dir));
        (void) snprintf(p.file, sizeof p.file, "%s/node.yaml", p.dir);
        (void) snprintf(p.state, sizeof p.state, "%s/state", p.dir);
        write_file(&p, whole_text, sizeof whole_text - 1);
        set = sources(&p);
        whole = load(set);
        write_file(&p, whole_text, shorter);
        cut = load(set);
        assert_non_null(cut->desired);
        assert_true(hv_source_refuse_cut(cut, whole));
        assert_null(cut->desired);
        all = hv_diags_all(cut->diags, &n);
        for (size_t i = 0; i < n; i++)
                found = found || hv_streq(all[i].code, "E0011");
        assert_true(found);
        (void) snprintf(text, sizeof text, "%.*s...\n", (int) shorter, whole_text);
        write_file(&p, text, strlen(text));
        meant = load(set);
        assert_false(hv_source_refuse_cut(meant, whole));
        assert_non_null(meant->desired);
        (void) snprintf(command, sizeof command, "rm -rf %s", p.dir);
        assert_int_equal(system(command), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_prestate(cut_everywhere, (void *) &scenes[0]),
                cmocka_unit_test_prestate(cut_everywhere, (void *) &scenes[1]),
                cmocka_unit_test_prestate(cut_everywhere, (void *) &scenes[2]),
                cmocka_unit_test(an_end_mark_makes_it_an_edit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
