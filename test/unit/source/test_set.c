/* set: from files to a desired state, and what happens when they are broken, gone, or changed through the API. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "faults.h"
#include "scratch.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/buf.h"
#include "source/node_id.h"
#include "source/set.h"
#include "source/split.h"

#define NODE(services) \
        "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: node-1}\nspec:\n  services:\n" services
#define SERVICE(name) "  - {name: " name ", image: docker.io/library/busybox:1.36}\n"
#define OBJECT(name)                                                    \
        "apiVersion: hivelet/v1\nkind: Service\nmetadata: {name: " name \
        "}\nspec: {image: docker.io/library/busybox:1.36}\n"

struct fixture {
        struct scratch *scratch;
        struct hv_source_options options;
        struct hv_source_set *set;
        struct hv_source_load *load;
        const char *variables[8]; /* name, value, ..., NULL */
        char *text;               /* of words() */
};

static const char *variable(void *userdata, const char *name) {
        const struct fixture *x = userdata;

        for (size_t i = 0; x->variables[i]; i += 2)
                if (hv_streq(x->variables[i], name))
                        return x->variables[i + 1];
        return NULL;
}

static void start(struct fixture *x) {
        struct hv_err err = {};

        x->set = hv_source_set_free(x->set);
        if (hv_source_set_new(&x->options, &x->set, &err) < 0)
                fail_msg("%s", err.msg);
}

/* The services of a load, or why there are none. */
static const char *words(struct fixture *x) {
        _hv_cleanup_(hv_buf_done) struct hv_buf out = {};
        const struct hv_source_load *l = x->load;
        const struct hv_diag *d;
        size_t n;

        for (size_t i = 0; l->desired && i < l->desired->n_units; i++)
                hv_buf_printf(&out, "%s%s", i ? " " : "", l->desired->units[i].object);
        if (!l->desired) {
                d = hv_diags_all(l->diags, &n);
                for (size_t i = 0; i < n; i++)
                        if (d[i].severity == HV_SEVERITY_ERROR)
                                hv_buf_printf(&out, "%s%s", out.len ? " " : "", d[i].code);
                if (l->err.code < 0)
                        hv_buf_printf(&out, "%s", l->err.msg);
        }
        free(x->text);
        return x->text = hv_buf_steal(&out);
}

static const char *load(struct fixture *x) {
        x->load = hv_source_load_free(x->load);
        x->load = hv_source_set_load(x->set);
        return words(x);
}

static const char *last_good(struct fixture *x) {
        x->load = hv_source_load_free(x->load);
        x->load = hv_source_set_last_good(x->set);
        return words(x);
}

static const char *change(struct fixture *x, const struct hv_source_change *c) {
        x->load = hv_source_load_free(x->load);
        x->load = hv_source_set_change(x->set, c);
        return words(x);
}

static const char *apply(struct fixture *x, const char *text, const char *path, bool dry_run) {
        const struct hv_source_text t = {
                .name = "given.yaml", .path = path, .text = text, .len = strlen(text)
        };

        return change(x, &(struct hv_source_change){ .texts = &t, .n_texts = 1, .dry_run = dry_run });
}

static void in_force(struct fixture *x) {
        struct hv_err err = {};

        if (hv_source_set_in_force(x->set, x->load, 1, &err) < 0)
                fail_msg("%s", err.msg);
}

static int set_up(void **state) {
        struct fixture *x = HV_NEW(struct fixture);

        (void) scratch_set_up((void **) &x->scratch);
        x->options = (struct hv_source_options){
                .config = hv_strdup(scratch_path(x->scratch, "node.yaml")),
                .config_dir = hv_strdup(scratch_path(x->scratch, "conf.d")),
                .state_dir = hv_strdup(scratch_path(x->scratch, "state")),
                .hostname = "host",
                .env = variable,
                .env_userdata = x,
        };
        *state = x;
        return 0;
}

static int tear_down(void **state) {
        struct fixture *x = *state;

        (void) hv_source_load_free(x->load);
        (void) hv_source_set_free(x->set);
        (void) scratch_tear_down((void **) &x->scratch);
        free((char *) x->options.config);
        free((char *) x->options.config_dir);
        free((char *) x->options.state_dir);
        free(x->text);
        free(x);
        return 0;
}

static void files_and_drop_ins_become_one_state(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        scratch_mkdir(x->scratch, "conf.d");
        scratch_write(x->scratch, "conf.d/10.yaml", OBJECT("db"));
        start(x);
        assert_string_equal(load(x), "db web");
        assert_string_equal(x->load->desired->settings.node_id, "node-1");
        assert_int_equal(x->load->n_files, 2);
}

static void a_broken_file_gives_nothing_and_the_last_good_is_kept(void **state) {
        static const struct {
                const char *what, *text, *says;
        } rows[] = {
                { "truncated", "apiVersion: hivelet/v1\nkind: NodeState\nspec: {services: [", "E0005" },
                { "empty", "", "E0010" },
                { "comments only", "# nothing\n", "E0010" },
                { "a blank document", "---\n---\n", "E0010" },
                { "another kind", "kind: Pod\n", "E0103" },
                { "an unknown field", NODE(SERVICE("web")) "  sevices: []\n", "E0201" },
        };
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        start(x);
        assert_string_equal(load(x), "web");
        in_force(x);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                scratch_write(x->scratch, "node.yaml", rows[i].text);
                if (!strstr(load(x), rows[i].says))
                        fail_msg("%s: %s", rows[i].what, x->text);
                assert_null(x->load->desired);
                assert_null(x->load->secrets);
                assert_int_equal(x->load->err.code, 0); /* the findings say it all */
        }
        start(x); /* a restart beside the broken file */
        assert_null(strstr(load(x), "web"));
        assert_string_equal(last_good(x), "web");
        in_force(x);
}

static void a_vanished_file_is_unreadable_not_empty(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        scratch_mkdir(x->scratch, "conf.d");
        scratch_write(x->scratch, "conf.d/10.yaml", OBJECT("db"));
        start(x);
        assert_string_equal(load(x), "db web");
        in_force(x);
        assert_int_equal(unlink(x->options.config), 0);
        assert_string_equal(load(x), "E0001");
        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        assert_int_equal(rename(x->options.config_dir, scratch_path(x->scratch, "away")), 0);
        assert_string_equal(load(x), "E0001");
        start(x); /* also in the next life of the process */
        assert_string_equal(load(x), "E0001");
        assert_string_equal(last_good(x), "db web");
        /* an empty directory is an edit */
        scratch_mkdir(x->scratch, "conf.d");
        assert_string_equal(load(x), "web");
}

static void the_default_file_may_be_missing_when_a_pool_is_given(void **state) {
        struct fixture *x = *state;

        x->options.config_may_be_missing = true; /* as of /etc/hivelet/node.yaml */
        start(x);
        assert_string_equal(load(x), "E0001");
        x->variables[0] = "NODE_POOL_ADDRESS";
        x->variables[1] = "127.0.0.1:50051";
        assert_string_equal(load(x), "");
        assert_non_null(x->load->desired);
        assert_string_equal(x->load->desired->settings.node_id, "host");
        /* once there, it is a fault when it is not, in this life of the process and in the next */
        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        x->options.change_node_id = true;
        start(x);
        assert_string_equal(load(x), "web");
        in_force(x);
        assert_int_equal(unlink(x->options.config), 0);
        assert_string_equal(load(x), "E0001");
        start(x);
        assert_string_equal(load(x), "E0001");
}

static void flags_win_over_the_environment(void **state) {
        static const struct hv_spec_override flag = { "node.id", "from-flag", "--node-id" };
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        x->variables[0] = "NODE_ID";
        x->variables[1] = "from-env";
        start(x);
        (void) load(x);
        assert_string_equal(x->load->desired->settings.node_id, "from-env");
        x->options.flags = &flag;
        x->options.n_flags = 1;
        x->options.change_node_id = true;
        start(x);
        (void) load(x);
        assert_string_equal(x->load->desired->settings.node_id, "from-flag");
        x->variables[1] = "not an id!";
        x->options.n_flags = 0;
        start(x);
        assert_null(strstr(load(x), "web"));
}

static void another_node_id_is_refused(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        start(x);
        assert_string_equal(load(x), "web");
        x->variables[0] = "NODE_ID";
        x->variables[1] = "other";
        assert_non_null(strstr(load(x), "--change-node-id"));
        assert_int_equal(x->load->err.code, -EEXIST);
        x->options.change_node_id = true;
        start(x);
        assert_string_equal(load(x), "web");
}

/* Whoever takes up what was in force would go on under the old id, and so would all that is set up from it. */
static void a_change_of_the_node_id_begins_anew_and_is_the_only_one(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        start(x);
        assert_string_equal(load(x), "web");
        in_force(x);
        assert_string_equal(last_good(x), "web");
        x->options.change_node_id = true;
        start(x);
        (void) last_good(x);
        assert_null(x->load->desired);
        assert_int_equal(x->load->err.code, -ENOENT);
        x->variables[0] = "NODE_ID";
        x->variables[1] = "second";
        assert_string_equal(load(x), "web");
        assert_string_equal(x->load->desired->settings.node_id, "second");
        x->variables[1] = "third";
        assert_non_null(strstr(load(x), "--change-node-id"));
}

/* --- the API's objects --- */

static void applied_objects_stand_beside_the_files(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        start(x);
        assert_string_equal(apply(x, OBJECT("a") "---\n" OBJECT("b"), NULL, false), "a b web");
        in_force(x);
        assert_string_equal(x->load->desired->units[0].origin.source, "api");
        assert_string_equal(x->load->desired->units[0].origin.file, "api/service/a.yaml");
        start(x);
        assert_string_equal(load(x), "a b web");
        assert_string_equal(
                change(x, &(struct hv_source_change){ .forget_kind = HV_KIND_SERVICE, .forget_name = "a" }),
                "b web");
        assert_string_equal(
                change(x, &(struct hv_source_change){ .forget_kind = HV_KIND_SERVICE, .forget_name = "web" }),
                "Service \"web\" was not given by hivectl apply -f; what a file declares is "
                "deleted in that file");
        assert_int_equal(x->load->err.code, -ENOENT);
        assert_string_equal(load(x), "b web");
}

static void a_bad_change_stores_nothing(void **state) {
        static const struct {
                const char *what, *text, *says;
        } rows[] = {
                { "an error", OBJECT("a") "---\n" OBJECT("Bad_Name"), "E0105" },
                { "the name of a file's object", OBJECT("web"), "E0107" },
                { "twice", OBJECT("a") "---\n" OBJECT("a"), "E0107" },
                { "syntax", OBJECT("a") "---\n{", "E0005" },
                { "a NodeState from elsewhere", NODE(SERVICE("other")), "E0106" },
        };
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        start(x);
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                if (!strstr(apply(x, rows[i].text, NULL, false), rows[i].says))
                        fail_msg("%s: %s", rows[i].what, x->text);
                assert_string_equal(load(x), "web");
        }
        assert_int_equal(access(scratch_path(x->scratch, "state/api/service"), F_OK), -1);
}

/* The file lies there cut, and what is in force stays: then a change is refused, and must not wait in the store. */
static void a_change_beside_a_cut_file_stores_nothing(void **state) {
        static const char whole[] = NODE(SERVICE("a") SERVICE("b"));
        const struct hv_source_text t = { .name = "c.yaml", .text = OBJECT("c"), .len = strlen(OBJECT("c")) };
        struct hv_source_change c = { .texts = &t, .n_texts = 1 };
        struct fixture *x = *state;
        _hv_cleanup_(hv_source_load_freep) struct hv_source_load *before = NULL;
        size_t n;

        scratch_write(x->scratch, "node.yaml", whole);
        start(x);
        assert_string_equal(load(x), "a b");
        before = HV_STEAL(x->load);
        c.in_force = before;
        assert_string_equal(change(x, &c), "a b c");
        (void) hv_object_store_all(hv_source_set_objects(x->set), &n);
        assert_int_equal(n, 1);

        scratch_write(x->scratch, "node.yaml", NODE("  - {name: a, image: docker.io/library/busybox:1.36}"));
        (void) change(x, &(struct hv_source_change){
                                 .forget_kind = HV_KIND_SERVICE, .forget_name = "c", .in_force = before });
        assert_string_equal(words(x), "E0011");
        c.dry_run = true;
        assert_string_equal(change(x, &c), "E0011");
        (void) hv_object_store_all(hv_source_set_objects(x->set), &n);
        assert_int_equal(n, 1);
}

static void the_primary_file_is_read_anew_when_it_is_applied(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        start(x);
        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("api")) "---\n" OBJECT("db"));
        assert_string_equal(apply(x, NODE(SERVICE("api")) "---\n" OBJECT("db"), x->options.config, false),
                            "api db");
        assert_int_equal(access(scratch_path(x->scratch, "state/api/service"), F_OK), -1);
}

static void a_dry_run_judges_and_stores_nothing(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        start(x);
        assert_string_equal(apply(x, OBJECT("a"), NULL, true), "a web");
        assert_string_equal(apply(x, NODE(SERVICE("other")), "/elsewhere.yaml", true), "other");
        assert_string_equal(load(x), "web");
}

static void a_dry_run_claims_no_name_and_makes_no_key(void **state) {
        struct fixture *x = *state;

        start(x);
        (void) apply(
                x,
                "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: tried}\nspec: {secrets: [{name: k, "
                "generate: wireguard}]}\n",
                "/elsewhere.yaml", true);
        assert_non_null(x->load->desired);
        assert_null(x->load->secrets);
        assert_int_equal(access(scratch_path(x->scratch, "state/node-id"), F_OK), -1);
        assert_int_equal(access(scratch_path(x->scratch, "state/secrets"), F_OK), -1);
}

static void a_refused_state_claims_no_name(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml",
                      "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: typo}\nspec: "
                      "{secrets: [{name: k, fromCredential: none}]}\n");
        start(x);
        assert_string_equal(load(x), "E0362");
        assert_int_equal(access(scratch_path(x->scratch, "state/node-id"), F_OK), -1);
}

static void texts_are_cut_where_documents_begin(void **state) {
        static const char text[] = "# head\n---\n" OBJECT("a") "...\n---\n# only a comment\n--- # b\n" OBJECT(
                "b") "---\nkind: Config\nmetadata: {name: c}\nspec:\n  data:\n    x: |\n      --- not a marker\n      ----\n";
        static const char bare[] = OBJECT("a") "...\n# next\n" OBJECT("b") "... # end\n";
        struct hv_pieces p;

        (void) state;
        hv_split(text, strlen(text), &p);
        assert_int_equal(p.n, 3);
        assert_string_equal(p.v[0].name, "a");
        assert_string_equal(p.v[1].name, "b");
        assert_int_equal(p.v[1].kind, HV_KIND_SERVICE);
        assert_int_equal(p.v[2].kind, HV_KIND_CONFIG);
        hv_pieces_done(&p);

        hv_split(bare, strlen(bare), &p); /* or deleting "a" through the API would take "b" away with it */
        assert_int_equal(p.n, 2);
        assert_string_equal(p.v[0].name, "a");
        assert_string_equal(p.v[1].name, "b");
        hv_pieces_done(&p);
}

/* --- secrets --- */

#define SECRETS(list) \
        "apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: node-1}\nspec: {secrets: [" list "]}\n"

static const char *secret(const struct fixture *x, const char *name) {
        const struct hv_secret *s = hv_secrets_get(x->load->secrets, name);

        return s ? hv_secret_bytes(s) : "-";
}

static void secrets_come_from_files_credentials_and_chance(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *text = hv_asprintf(
                SECRETS("{name: f, fromFile: %s/f}, {name: c, fromCredential: c}, {name: k, generate: "
                        "wireguard}"),
                x->scratch->path);
        _hv_cleanup_free_ char *credentials = hv_asprintf("%s/credentials", x->scratch->path), *key = NULL;
        unsigned char raw[48];
        struct stat st;
        size_t len;

        scratch_write(x->scratch, "node.yaml", text);
        scratch_write(x->scratch, "f", "from a file\n");
        scratch_mkdir(x->scratch, "credentials");
        scratch_write_mode(x->scratch, "credentials/c", "from systemd", 0440);
        x->options.credentials = credentials;
        start(x);
        (void) load(x);
        assert_non_null(x->load->desired);
        assert_int_equal(hv_secrets_count(x->load->secrets), 3);
        assert_string_equal(secret(x, "f"), "from a file\n");
        assert_string_equal(secret(x, "c"), "from systemd");
        key = hv_strdup(secret(x, "k"));
        assert_int_equal(strlen(key), 45);
        assert_true(hv_base64_decode(key, 44, raw, &len));
        assert_int_equal(len, 32);
        assert_int_equal(raw[0] & 7, 0); /* clamped, as RFC 7748 wants it */
        assert_int_equal(raw[31] & 0xc0, 0x40);
        assert_int_equal(stat(scratch_path(x->scratch, "state/secrets/k"), &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        start(x); /* made once, kept for ever */
        (void) load(x);
        assert_string_equal(secret(x, "k"), key);
}

static void each_secret_that_cannot_be_had_is_told(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *text = hv_asprintf(
                SECRETS("{name: none, fromFile: %s/none}, {name: open, fromFile: %s/open}, {name: link, "
                        "fromFile: %s/link}, {name: c, fromCredential: c}, {name: good, fromFile: %s/good}"),
                x->scratch->path, x->scratch->path, x->scratch->path, x->scratch->path);

        scratch_write(x->scratch, "good", "good");
        scratch_write_mode(x->scratch, "open", "hunter2", 0644);
        assert_int_equal(symlink("good", scratch_path(x->scratch, "link")), 0);
        scratch_write(x->scratch, "node.yaml", text);
        start(x);
        /* what facts tell comes first: the missing one and the open one */
        assert_string_equal(load(x), "E0362 E0323");
        scratch_write(x->scratch, "none", "there");
        assert_int_equal(chmod(scratch_path(x->scratch, "open"), 0600), 0);
        /* then what only reading tells: the link, the credential */
        assert_string_equal(load(x), "E0362 E0362");
        assert_null(x->load->secrets);
}

static void a_generated_key_that_cannot_be_read_is_not_made_anew(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", SECRETS("{name: k, generate: wireguard}"));
        start(x);
        (void) load(x);
        assert_non_null(x->load->desired);
        assert_int_equal(chmod(scratch_path(x->scratch, "state/secrets/k"), 0644), 0);
        assert_string_equal(load(x), "E0323");
}

static void the_last_good_does_without_a_lost_secret(void **state) {
        struct fixture *x = *state;
        _hv_cleanup_free_ char *text = hv_asprintf(SECRETS("{name: f, fromFile: %s/f}"), x->scratch->path);

        scratch_write(x->scratch, "node.yaml", text);
        scratch_write(x->scratch, "f", "text");
        start(x);
        (void) load(x);
        in_force(x);
        assert_int_equal(unlink(scratch_path(x->scratch, "f")), 0);
        assert_string_equal(load(x), "E0362");
        assert_string_equal(last_good(x), "");
        assert_non_null(x->load->desired);
        assert_int_equal(hv_secrets_count(x->load->secrets), 0);
}

/* --- what is kept --- */

static void nothing_is_written_while_nothing_changes(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        start(x);
        (void) load(x);
        in_force(x);
        fault_arm(FAULT_NONE, 0);
        (void) load(x);
        in_force(x);
        (void) apply(x, NODE(SERVICE("web")), x->options.config, false);
        in_force(x);
        (void) last_good(x);
        in_force(x);
        (void) fault_disarm();
        assert_string_equal(fault_trace(), "");
}

static void a_full_disk_refuses_the_change_and_keeps_the_rest(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        start(x);
        assert_string_equal(load(x), "web");
        fault_arm(FAULT_ENOSPC, 1);
        assert_non_null(strstr(apply(x, OBJECT("a"), NULL, false), "No space left"));
        assert_true(fault_disarm());
        assert_int_equal(x->load->err.code, -ENOSPC);
        assert_string_equal(load(x), "web");
}

static void a_damaged_list_of_revisions_is_told(void **state) {
        struct fixture *x = *state;
        struct hv_err err = {};

        scratch_write(x->scratch, "node.yaml", NODE(SERVICE("web")));
        start(x);
        (void) load(x);
        in_force(x);
        x->set = hv_source_set_free(x->set);
        scratch_write(x->scratch, "state/revisions/index", "x");
        assert_int_equal(hv_source_set_new(&x->options, &x->set, &err), -EBADMSG);
        assert_non_null(strstr(err.msg, "index"));
        assert_string_equal(load(x), "web");
        in_force(x);
}

static void two_agents_do_not_share_a_state(void **state) {
        struct fixture *x = *state;
        struct hv_source_set *second = NULL;
        struct hv_err err = {};

        start(x);
        assert_int_equal(hv_source_set_new(&x->options, &second, &err), -EBUSY);
}

static void looking_only_touches_nothing(void **state) {
        struct fixture *x = *state;

        scratch_write(x->scratch, "node.yaml", SECRETS("{name: k, generate: wireguard}"));
        x->options.look_only = true;
        start(x);
        (void) load(x);
        assert_non_null(x->load->desired);
        assert_int_equal(access(x->options.state_dir, F_OK), -1);

        /* beside an agent that runs */
        x->options.look_only = false;
        start(x);
        (void) load(x);
        x->options.look_only = true;
        {
                struct hv_source_set *agent = HV_STEAL(x->set);

                start(x);
                x->variables[0] = "NODE_ID";
                x->variables[1] = "other";
                assert_non_null(strstr(load(x), "--change-node-id"));
                (void) hv_source_set_free(agent);
        }
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                T(files_and_drop_ins_become_one_state),
                T(a_broken_file_gives_nothing_and_the_last_good_is_kept),
                T(a_vanished_file_is_unreadable_not_empty),
                T(the_default_file_may_be_missing_when_a_pool_is_given),
                T(flags_win_over_the_environment),
                T(another_node_id_is_refused),
                T(a_change_of_the_node_id_begins_anew_and_is_the_only_one),
                T(applied_objects_stand_beside_the_files),
                T(a_bad_change_stores_nothing),
                T(a_change_beside_a_cut_file_stores_nothing),
                T(the_primary_file_is_read_anew_when_it_is_applied),
                T(a_dry_run_judges_and_stores_nothing),
                T(a_dry_run_claims_no_name_and_makes_no_key),
                T(a_refused_state_claims_no_name),
                T(texts_are_cut_where_documents_begin),
                T(secrets_come_from_files_credentials_and_chance),
                T(each_secret_that_cannot_be_had_is_told),
                T(a_generated_key_that_cannot_be_read_is_not_made_anew),
                T(the_last_good_does_without_a_lost_secret),
                T(nothing_is_written_while_nothing_changes),
                T(a_full_disk_refuses_the_change_and_keeps_the_rest),
                T(a_damaged_list_of_revisions_is_told),
                T(two_agents_do_not_share_a_state),
                T(looking_only_touches_nothing),
        };

        return cmocka_run_group_tests_name("set", tests, NULL, NULL);
}
