/* docker/body.h - pieces that several request bodies have. Private to the module. */
#pragma once

#include "spec/desired.h"
#include "json/write.h"

void hv_put_words(struct hv_json_writer *w, const char *key, const struct hv_strv *words);
void hv_put_pairs(struct hv_json_writer *w, const char *key, const struct hv_pairs *pairs);
void hv_put_text(struct hv_json_writer *w, const char *key, const char *text);  /* NULL: nothing */
void hv_put_amount(struct hv_json_writer *w, const char *key, uint64_t amount); /* 0: nothing */
