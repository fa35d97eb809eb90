#include "cli/verb.h"

#include "base/text.h"
#include "cli/verb_table.h"

/* In the order of the overview. */
static const struct hv_verb *const parts[] = {
        hv_verbs_look,    hv_verbs_change, hv_verbs_order,  hv_verbs_rollout, hv_verbs_task,
        hv_verbs_receipt, hv_verbs_tunnel, hv_verbs_access, hv_verbs_learn,
};

const struct hv_verb *hv_verb_at(size_t i) {
        for (size_t k = 0; k < HV_ARRAY_SIZE(parts); k++)
                for (const struct hv_verb *v = parts[k]; v->name; v++)
                        if (i-- == 0)
                                return v;
        return NULL;
}

static bool begins_with(const char *line, const char *words) {
        size_t n = words ? strlen(words) : 0;

        return n > 0 && strncmp(line, words, n) == 0 && (!line[n] || line[n] == ' ');
}

const struct hv_verb *hv_verb_find(const char *line) {
        const struct hv_verb *v;

        for (size_t i = 0; (v = hv_verb_at(i)); i++)
                if (begins_with(line, v->name) || begins_with(line, v->alias))
                        return v;
        return NULL;
}

const struct hv_verb *hv_verb_target(const struct hv_verb *v) {
        return v->expands ? hv_verb_find(v->expands) : v;
}

hv_option_set hv_verb_options(const struct hv_verb *v) {
        const struct hv_verb *target = hv_verb_target(v);

        return HV_OPTS_GLOBAL | target->options | (target->formats ? HV_OPT_BIT(HV_OPT_OUTPUT) : 0);
}

size_t hv_verb_words(const struct hv_verb *v) {
        return strchr(v->name, ' ') ? 2 : 1;
}

bool hv_verb_is_in(const struct hv_verb *v, const char *family) {
        return hv_verb_words(v) == 2 && begins_with(v->name, family);
}

const char *hv_verb_suggest(const char *name) {
        struct hv_suggestion near = { .text = name };
        const struct hv_verb *v;

        for (size_t i = 0; (v = hv_verb_at(i)); i++) {
                if (!v->group)
                        continue;
                hv_suggestion_add(&near, v->name);
                if (v->alias)
                        hv_suggestion_add(&near, v->alias);
        }
        return near.best;
}
