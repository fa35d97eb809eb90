#include "cli/keyring.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "cli/client_config.h"
#include "source/disk.h"
#include "json/json.h"
#include "json/write.h"

#define FILE_NAME "sessions.json"
#define FILE_MAX_BYTES ((size_t) 1 << 20)

void hv_keyring_entry_done(struct hv_keyring_entry *e) {
        e->key = hv_secret_free(e->key);
        free(e->ca_file);
        e->ca_file = NULL;
}

/* What is kept, or NULL: nothing. */
static int read_all(struct hv_json **ret, struct hv_err *err) {
        _hv_cleanup_free_ char *dir = hv_client_config_folder();
        _hv_cleanup_(hv_buf_wipe) struct hv_buf text = {};
        struct hv_disk disk = HV_DISK_NONE;
        int r;

        *ret = NULL;
        if (!dir)
                return hv_err_set(err, -ENOENT,
                                  "neither HOME nor XDG_CONFIG_HOME says where logins are kept");
        r = hv_disk_open_existing(dir, &disk, err);
        if (r >= 0)
                r = hv_disk_read(&disk, FILE_NAME, FILE_MAX_BYTES, &text, err);
        hv_disk_close(&disk);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;
        r = hv_json_parse(hv_buf_str(&text), text.len, FILE_MAX_BYTES, ret, err);
        return r < 0 ? hv_err_prefix(err, r, "%s/" FILE_NAME, dir) : 0;
}

int hv_keyring_get(const char *host, struct hv_keyring_entry *ret, struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *all = NULL;
        const struct hv_json *entry;
        const char *key;
        int r = read_all(&all, err);

        if (r < 0)
                return r;
        entry = hv_json_get(all, host);
        key = hv_json_str(entry, "key");
        if (!key)
                return 0;
        *ret = (struct hv_keyring_entry){ .key = hv_secret_new(key, strlen(key)),
                                          .ca_file = hv_strdup(hv_json_str(entry, "caFile")) };
        return 1;
}

/* All but the entry of `host`, and `key` for it where there is one. */
static int write_all(const struct hv_json *all, const char *host, const char *key, const char *ca_file,
                     struct hv_err *err) {
        _hv_cleanup_free_ char *dir = hv_client_config_folder();
        _hv_cleanup_(hv_buf_wipe) struct hv_buf text = {};
        struct hv_json_writer w = { .buf = &text };
        struct hv_disk disk = HV_DISK_NONE;
        const struct hv_json *entry;
        const char *other;
        void *it = NULL;
        int r;

        hv_buf_reserve(&text, FILE_MAX_BYTES); /* it does not move, and leaves no copy behind */
        hv_json_begin_object(&w, NULL);
        while (all && hv_json_next(all, &it, &other, &entry))
                if (!hv_streq(other, host))
                        hv_json_put_json(&w, other, entry);
        if (key) {
                hv_json_begin_object(&w, host);
                hv_json_put_str(&w, "key", key);
                if (ca_file)
                        hv_json_put_str(&w, "caFile", ca_file);
                hv_json_end(&w);
        }
        hv_json_end(&w);
        r = hv_disk_open(dir, &disk, err);
        if (r >= 0)
                r = hv_disk_replace(&disk, FILE_NAME, text.data, text.len, err);
        hv_disk_close(&disk);
        return r;
}

int hv_keyring_put(const char *host, const char *key, const char *ca_file, struct hv_err *err) {
        _hv_cleanup_(hv_json_freep) struct hv_json *all = NULL;
        int r = read_all(&all, err);

        return r < 0 ? r : write_all(all, host, key, ca_file, err);
}

int hv_keyring_forget(const char *host, struct hv_err *err) {
        return hv_keyring_put(host, NULL, NULL, err);
}
