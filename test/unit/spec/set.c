/* set.c - see set.h. */
#include "testing.h"

#include "corpus.h"
#include "set.h"

#include "spec/yaml.h"

const char *set_env(void *userdata, const char *name) {
        const char *const *pairs = userdata;

        for (size_t i = 0; pairs && pairs[i]; i += 2)
                if (strcmp(pairs[i], name) == 0)
                        return pairs[i + 1];
        return NULL;
}

void set_add(struct set *s, const char *name, const char *text) {
        s->files[s->n_files] = (struct hv_spec_file){ name, text, strlen(text), "file", s->n_files == 0 };
        s->n_files++;
}

static void note(struct set *s) {
        const struct hv_diag *all;
        size_t n;

        hv_diags_sort(s->diags);
        all = hv_diags_all(s->diags, &n);
        for (size_t i = 0; i < n; i++)
                hv_buf_printf(&s->said, "%s:%u:%u: %s[%s]: %s%s%s\n", all[i].file, all[i].line, all[i].column,
                              all[i].severity == HV_SEVERITY_ERROR ? "error" : "warning", all[i].code,
                              all[i].path, *all[i].path ? ": " : "", all[i].message);
}

int set_load(struct set *s) {
        struct hv_spec_input in = {
                .files = s->files,
                .n_files = s->n_files,
                .read = hv_yaml_read,
                .env = set_env,
                .env_userdata = (void *) s->env,
                .overrides = s->overrides.list.v,
                .n_overrides = s->overrides.list.n,
                .hostname = "box",
                .type_files = s->type_files,
                .n_type_files = s->n_type_files,
                .given = s->given,
                .given_userdata = s->given_userdata,
        };
        int r;

        if (!s->type_files)
                in.n_type_files = corpus_types(&in.type_files);
        if (!s->diags)
                s->diags = hv_diags_new();
        r = hv_spec_load(&in, &s->desired, s->diags);
        note(s);
        return r;
}

int set_load_text(struct set *s, const char *text) {
        set_add(s, "f", text);
        return set_load(s);
}

void set_done(struct set *s) {
        (void) hv_desired_unref(s->desired);
        (void) hv_diags_free(s->diags);
        hv_spec_overrides_done(&s->overrides);
        hv_buf_done(&s->said);
        *s = (struct set){};
}

bool set_says(const struct set *s, const char *start) {
        const char *said = hv_buf_str(&s->said);
        size_t len = strlen(start);

        for (const char *p = said; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
                if (strncmp(p, start, len) == 0)
                        return true;
        print_error("not said: %s\nsaid:\n%s", start, said);
        return false;
}
