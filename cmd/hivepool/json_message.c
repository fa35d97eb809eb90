/* hivepool/json_message.c - see json_message.h. */
#include "json_message.h"

#include <ctype.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/rfc3339.h"
#include "cli/document.h"
#include "json/json.h"
#include "json/write.h"

#define NAME_SIZE 64

/* "waits_for" -> "waitsFor", "created_us" -> "created". */
static bool name_of(const char *field, char ret[NAME_SIZE]) {
        size_t n = 0, len = strlen(field);
        bool is_instant = len > 3 && hv_streq(field + len - 3, "_us");

        len -= is_instant ? 3 : 0;
        for (size_t i = 0; i < len && n < NAME_SIZE - 1; i++) {
                if (field[i] == '_' && i + 1 < len)
                        ret[n++] = (char) toupper((unsigned char) field[++i]);
                else
                        ret[n++] = field[i];
        }
        ret[n] = '\0';
        return is_instant;
}

static void put_message(struct hv_json_writer *w, const char *key, const ProtobufCMessage *m);

static void put_instant(struct hv_json_writer *w, const char *key, uint64_t us) {
        char text[HV_RFC3339_SIZE];

        if (us == 0)
                return;
        hv_rfc3339_format(us, text);
        hv_json_put_str(w, key, text);
}

static void put_value(struct hv_json_writer *w, const char *key, const ProtobufCFieldDescriptor *f,
                      const void *at, bool is_instant) {
        switch (f->type) {
        case PROTOBUF_C_TYPE_STRING:
                if (!key || **(char *const *) at)
                        hv_json_put_str(w, key, *(char *const *) at);
                break;
        case PROTOBUF_C_TYPE_BOOL:
                hv_json_put_bool(w, key, *(const protobuf_c_boolean *) at);
                break;
        case PROTOBUF_C_TYPE_DOUBLE:
                hv_json_put_real(w, key, *(const double *) at);
                break;
        case PROTOBUF_C_TYPE_INT32:
                hv_json_put_int(w, key, *(const int32_t *) at);
                break;
        case PROTOBUF_C_TYPE_UINT32:
                hv_json_put_uint(w, key, *(const uint32_t *) at);
                break;
        case PROTOBUF_C_TYPE_UINT64:
                if (is_instant)
                        put_instant(w, key, *(const uint64_t *) at);
                else
                        hv_json_put_uint(w, key, *(const uint64_t *) at);
                break;
        case PROTOBUF_C_TYPE_MESSAGE:
                if (*(ProtobufCMessage *const *) at)
                        put_message(w, key, *(ProtobufCMessage *const *) at);
                break;
        default:
                break;
        }
}

static void put_message(struct hv_json_writer *w, const char *key, const ProtobufCMessage *m) {
        hv_json_begin_object(w, key);
        for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
                const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
                const char *at = (const char *) m + f->offset;
                char name[NAME_SIZE];
                bool is_instant = name_of(f->name, name);

                if (f->label != PROTOBUF_C_LABEL_REPEATED) {
                        put_value(w, name, f, at, is_instant);
                        continue;
                }
                hv_json_begin_array(w, name);
                for (size_t k = 0; k < *(const size_t *) ((const char *) m + f->quantifier_offset); k++)
                        put_value(w, NULL, f, *(const char *const *) at + k * sizeof(void *), is_instant);
                hv_json_end(w);
        }
        hv_json_end(w);
}

void json_message_print(const ProtobufCMessage *m) {
        _hv_cleanup_(hv_buf_done) struct hv_buf buf = {}, indented = {};
        _hv_cleanup_(hv_json_freep) struct hv_json *json = NULL;
        struct hv_json_writer w = { .buf = &buf };

        put_message(&w, NULL, m);
        if (hv_json_parse(hv_buf_str(&buf), buf.len, HV_JSON_MAX_BYTES, &json, NULL) < 0)
                return;
        hv_document_json(json, &indented);
        (void) fputs(hv_buf_str(&indented), stdout);
}
