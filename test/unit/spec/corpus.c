/* corpus.c - see corpus.h. */
#include "corpus.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/quantity.h"
#include "spec/load.h"
#include "spec/yaml.h"

struct fact {
        char *path, *writable_by;
        struct hv_spec_file_fact value;
};

struct machine {
        char *env, *facts;
        HV_VEC(char *) env_lines;
        HV_VEC(struct fact) files;
        HV_VEC(const char *) routes;
        HV_VEC(struct hv_spec_gpu_fact) gpus;
        struct hv_spec_facts known;
        char state[200];
};

static char *path_of(const char *folder, const char *name) {
        return hv_asprintf("%s/%s", folder, name);
}

void corpus_list_dir(const char *path, struct corpus_list *ret) {
        struct dirent **entries = NULL;
        int n = scandir(path, &entries, NULL, alphasort);

        *ret = (struct corpus_list){};
        for (int i = 0; i < n; i++) {
                if (entries[i]->d_name[0] != '.')
                        *hv_vec_add(ret) = hv_strdup(entries[i]->d_name);
                free(entries[i]);
        }
        free(entries);
}

void corpus_folders(struct corpus_list *ret) {
        struct corpus_list all;

        *ret = (struct corpus_list){};
        corpus_list_dir(CORPUS_DIR, &all);
        for (size_t i = 0; i < all.n; i++) {
                _hv_cleanup_free_ char *elsewhere = hv_asprintf(CORPUS_DIR "/%s/elsewhere", all.v[i]);

                if ((*all.v[i] == 'E' || *all.v[i] == 'W') && access(elsewhere, F_OK) < 0)
                        *hv_vec_add(ret) = hv_strdup(all.v[i]);
        }
        corpus_list_done(&all);
}

void corpus_list_done(struct corpus_list *l) {
        for (size_t i = 0; i < l->n; i++)
                free(l->v[i]);
        hv_vec_done(l);
}

char *corpus_read(const char *path, size_t *ret_len) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct stat st;
        FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "re") : NULL;
        char block[4096];
        size_t n;

        if (!f)
                return NULL;
        while ((n = fread(block, 1, sizeof block, f)) > 0)
                hv_buf_add(&text, block, n);
        (void) fclose(f);
        if (ret_len)
                *ret_len = text.len;
        return hv_buf_steal(&text);
}

size_t corpus_types(const struct hv_spec_file **ret) {
        static struct hv_spec_file types[16];
        static size_t n;
        struct corpus_list names;

        if (n == 0) {
                corpus_list_dir(HV_SOURCE_DIR "/config/task-types.d", &names);
                for (size_t i = 0; i < names.n && i < HV_ARRAY_SIZE(types); i++) {
                        _hv_cleanup_free_ char *path =
                                path_of(HV_SOURCE_DIR "/config/task-types.d", names.v[i]);

                        types[n].text = corpus_read(path, &types[n].len);
                        types[n].name = hv_asprintf("task-types.d/%s", names.v[i]);
                        types[n++].source = "shipped";
                }
                corpus_list_done(&names);
        }
        *ret = types;
        return n;
}

static const char *env_get(void *userdata, const char *name) {
        struct machine *m = userdata;
        size_t n = strlen(name);

        for (size_t i = 0; i < m->env_lines.n; i++)
                if (strncmp(m->env_lines.v[i], name, n) == 0 && m->env_lines.v[i][n] == '=')
                        return m->env_lines.v[i] + n + 1;
        return NULL;
}

static const struct hv_spec_file_fact *file_get(void *userdata, const char *path) {
        struct machine *m = userdata;

        for (size_t i = 0; i < m->files.n; i++)
                if (hv_streq(m->files.v[i].path, path))
                        return &m->files.v[i].value;
        return NULL;
}

static int error_number(const char *name) {
        if (hv_streq(name, "EACCES"))
                return -EACCES;
        return hv_streq(name, "ENOENT") ? -ENOENT : 0;
}

static bool fact_read(struct machine *m, const char *line) {
        char word[16] = "", subject[200] = "", what[16] = "", value[64] = "";
        int n = sscanf(line, "%15s %199s %15s %63s", word, subject, what, value);

        if (hv_streq(word, "file") && n == 4) {
                struct fact *f = hv_vec_add(&m->files);

                f->path = hv_strdup(subject);
                if (hv_streq(what, "error"))
                        f->value.error = error_number(value);
                else if (hv_streq(what, "mode"))
                        f->value.mode = (unsigned) strtoul(value, NULL, 8);
                else if (hv_streq(what, "writable-by"))
                        f->value.writable_by = f->writable_by = hv_strdup(value);
                return f->value.error || f->value.mode || f->value.writable_by;
        }
        if (hv_streq(word, "cpus") && n == 2)
                return hv_quantity_parse_cpu(subject, &m->known.nano_cpus) == HV_PARSE_OK;
        if (hv_streq(word, "memory") && n == 2)
                return hv_quantity_parse_bytes(subject, &m->known.memory_bytes) == HV_PARSE_OK;
        if (hv_streq(word, "disk") && n == 2)
                return hv_quantity_parse_bytes(subject, &m->known.disk_bytes) == HV_PARSE_OK;
        if (hv_streq(word, "gpus") && n == 2 && hv_streq(subject, "0")) {
                m->known.gpus_known = true;
                return true;
        }
        if (hv_streq(word, "gpu") && n == 4) {
                struct hv_spec_gpu_fact g = { hv_strdup(subject), hv_strdup(value), 0 };

                m->known.gpus_known = hv_quantity_parse_bytes(what, &g.memory_bytes) == HV_PARSE_OK;
                hv_vec_push(&m->gpus, g);
                return m->known.gpus_known;
        }
        if (hv_streq(word, "gpus-withheld") && n == 1) {
                m->known.gpus_withheld = "this engine gives none";
                return true;
        }
        if (hv_streq(word, "state") && n == 2) {
                (void) snprintf(m->state, sizeof m->state, "%s", subject);
                m->known.state_directory = m->state;
                return true;
        }
        if (hv_streq(word, "route") && n == 2) {
                hv_vec_push(&m->routes, hv_strdup(subject));
                return true;
        }
        return false;
}

static void machine_read(struct machine *m, const char *folder, const char *which,
                         struct hv_buf *complaints) {
        _hv_cleanup_free_ char *env = hv_asprintf("%s/%s.env", folder, which),
                               *facts = path_of(folder, "facts");
        char *save = NULL;

        m->env = corpus_read(env, NULL);
        for (char *line = m->env ? strtok_r(m->env, "\n", &save) : NULL; line;
             line = strtok_r(NULL, "\n", &save))
                hv_vec_push(&m->env_lines, line);
        m->facts = corpus_read(facts, NULL);
        for (char *line = m->facts ? strtok_r(m->facts, "\n", &save) : NULL; line;
             line = strtok_r(NULL, "\n", &save))
                if (!fact_read(m, line))
                        hv_buf_printf(complaints, "%s: not a fact: %s\n", facts, line);
        m->known.file = file_get;
        m->known.userdata = m;
        m->known.routes = (struct hv_strv){ m->routes.v, m->routes.n };
        m->known.gpus = m->gpus.v;
        m->known.n_gpus = m->gpus.n;
}

static void machine_done(struct machine *m) {
        for (size_t i = 0; i < m->files.n; i++) {
                free(m->files.v[i].path);
                free(m->files.v[i].writable_by);
        }
        for (size_t i = 0; i < m->gpus.n; i++) {
                free((char *) m->gpus.v[i].uuid);
                free((char *) m->gpus.v[i].name);
        }
        hv_vec_done(&m->gpus);
        for (size_t i = 0; i < m->routes.n; i++)
                free((char *) m->routes.v[i]);
        hv_vec_done(&m->files);
        hv_vec_done(&m->routes);
        hv_vec_done(&m->env_lines);
        free(m->env);
        free(m->facts);
}

struct documents {
        HV_VEC(struct hv_spec_file) files;
        HV_VEC(char *) owned;
};

static void add_file(struct documents *d, const char *path, const char *name, bool primary) {
        size_t len;
        char *text = corpus_read(path, &len), *own_name;

        if (!text)
                return;
        own_name = hv_strdup(name);
        hv_vec_push(&d->owned, text);
        hv_vec_push(&d->owned, own_name);
        hv_vec_push(&d->files, ((struct hv_spec_file){ own_name, text, len, "file", primary }));
}

static void documents_read(struct documents *d, const char *folder, const char *which) {
        _hv_cleanup_free_ char *single = hv_asprintf("%s/%s.yaml", folder, which),
                               *name_file = path_of(folder, "name");
        _hv_cleanup_free_ char *several = path_of(folder, which), *name = corpus_read(name_file, NULL);
        _hv_cleanup_free_ char *primary = path_of(several, "node.yaml");
        struct corpus_list names;

        if (name)
                name[strcspn(name, "\n")] = '\0';
        add_file(d, single, name ? name : "node.yaml", true);
        add_file(d, primary, name ? name : "node.yaml", true);
        corpus_list_dir(several, &names);
        for (size_t i = 0; i < names.n; i++) {
                _hv_cleanup_free_ char *path = path_of(several, names.v[i]),
                                       *shown = hv_asprintf("conf.d/%s", names.v[i]);

                if (!hv_streq(names.v[i], "node.yaml"))
                        add_file(d, path, shown, false);
        }
        corpus_list_done(&names);
}

static void documents_done(struct documents *d) {
        for (size_t i = 0; i < d->owned.n; i++)
                free(d->owned.v[i]);
        hv_vec_done(&d->owned);
        hv_vec_done(&d->files);
}

static void write_findings(struct hv_diags *diags, struct hv_buf *ret) {
        const struct hv_diag *all;
        size_t n;

        hv_diags_sort(diags);
        all = hv_diags_all(diags, &n);
        for (size_t i = 0; i < n; i++) {
                if (all[i].line)
                        hv_buf_printf(ret, "%s:%u:%u: ", all[i].file, all[i].line, all[i].column);
                else if (*all[i].file)
                        hv_buf_printf(ret, "%s: ", all[i].file);
                hv_buf_printf(ret, "%s[%s]: %s%s%s\n",
                              all[i].severity == HV_SEVERITY_ERROR ? "error" : "warning", all[i].code,
                              all[i].path, *all[i].path ? ": " : "", all[i].message);
                if (all[i].hint)
                        hv_buf_printf(ret, "  hint: %s\n", all[i].hint);
        }
}

size_t corpus_load(const char *folder, const char *which, struct hv_buf *ret,
                   struct hv_desired **ret_desired) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        struct hv_desired *desired = NULL;
        struct hv_spec_overrides overrides = {};
        struct documents documents = {};
        struct machine machine = {};
        struct hv_spec_input in;
        size_t errors;

        machine_read(&machine, folder, which, ret);
        documents_read(&documents, folder, which);
        if (documents.files.n == 0)
                hv_buf_printf(ret, "%s has neither %s.yaml nor %s/node.yaml\n", folder, which, which);
        hv_spec_environment(&overrides, env_get, &machine, diags);
        in = (struct hv_spec_input){
                .files = documents.files.v,
                .n_files = documents.files.n,
                .read = hv_yaml_read,
                .env = env_get,
                .env_userdata = &machine,
                .overrides = overrides.list.v,
                .n_overrides = overrides.list.n,
                .hostname = "worker",
                .facts = machine.facts ? &machine.known : NULL,
        };
        in.n_type_files = corpus_types(&in.type_files);
        (void) hv_spec_load(&in, &desired, diags);
        write_findings(diags, ret);
        errors = hv_diags_errors(diags);
        if (!desired && !errors)
                hv_buf_puts(ret, "refused without an error\n");
        hv_spec_overrides_done(&overrides);
        documents_done(&documents);
        machine_done(&machine);
        *ret_desired = desired;
        return errors;
}

size_t corpus_judge(const char *folder, const char *which, struct hv_buf *ret) {
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *desired = NULL;

        return corpus_load(folder, which, ret, &desired);
}
