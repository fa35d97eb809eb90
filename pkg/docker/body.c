/* docker/body.c - see body.h. */
#include "docker/body.h"

void hv_put_words(struct hv_json_writer *w, const char *key, const struct hv_strv *words) {
        hv_json_begin_array(w, key);
        for (size_t i = 0; i < words->n; i++)
                hv_json_put_str(w, NULL, words->v[i]);
        hv_json_end(w);
}

void hv_put_pairs(struct hv_json_writer *w, const char *key, const struct hv_pairs *pairs) {
        hv_json_begin_object(w, key);
        for (size_t i = 0; i < pairs->n; i++)
                hv_json_put_str(w, pairs->v[i].name, pairs->v[i].value);
        hv_json_end(w);
}

void hv_put_text(struct hv_json_writer *w, const char *key, const char *text) {
        if (text)
                hv_json_put_str(w, key, text);
}

void hv_put_amount(struct hv_json_writer *w, const char *key, uint64_t amount) {
        if (amount)
                hv_json_put_uint(w, key, amount);
}
