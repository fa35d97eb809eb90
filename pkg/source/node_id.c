/* source/node_id.c - see node_id.h.
 */
#include "source/node_id.h"

#include <errno.h>

#include "base/text.h"

#define FILE_NAME "node-id"
#define MAX_BYTES 256

/* What a label of a container can hold and a person can read; the grammar of new ids is the schema's. */
static bool is_plausible(const char *id, size_t len) {
        for (size_t i = 0; i < len; i++)
                if (id[i] <= ' ' || id[i] > '~')
                        return false;
        return len > 0;
}

int hv_node_id_read(const struct hv_disk *state, char **ret, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        int r;

        r = hv_disk_read(state, FILE_NAME, MAX_BYTES, &text, err);
        if (r == -ENOENT) { /* a new machine */
                if (err)
                        *err = (struct hv_err){};
                *ret = NULL;
                return 0;
        }
        if (r < 0)
                return r;
        if (text.len > 0 && text.data[text.len - 1] == '\n')
                text.data[--text.len] = '\0';
        if (!is_plausible(hv_buf_str(&text), text.len))
                return hv_err_set(err, -EBADMSG,
                                  "%s/" FILE_NAME
                                  " does not hold a node id; write the id of this machine's containers "
                                  "(label io.hivelet.node) into it, or remove it where there are none",
                                  state->path);
        *ret = hv_buf_steal(&text);
        return 0;
}

int hv_node_id_mismatch(const struct hv_disk *state, const char *wanted, const char *kept,
                        struct hv_err *err) {
        char quoted[HV_TEXT_QUOTE_SIZE], quoted_kept[HV_TEXT_QUOTE_SIZE];

        return hv_err_set(
                err, -EEXIST,
                "the node id is %s now, but this machine's objects were made as %s (%s/" FILE_NAME
                "): all of them would be strangers. Set the old id again, or start hivelet once with "
                "--change-node-id",
                hv_text_quote(wanted, quoted), hv_text_quote(kept, quoted_kept), state->path);
}

int hv_node_id_claim(const struct hv_disk *state, const char *wanted, bool change, struct hv_err *err) {
        _hv_cleanup_free_ char *kept = NULL, *line = NULL;
        char quoted[HV_TEXT_QUOTE_SIZE];
        int r;

        if (hv_str_empty(wanted) || !is_plausible(wanted, strlen(wanted)))
                return hv_err_set(err, -EINVAL, "%s is not a node id",
                                  hv_text_quote(wanted ? wanted : "", quoted));
        r = hv_node_id_read(state, &kept, err);
        if (r < 0 && !(r == -EBADMSG && change))
                return r;
        if (hv_streq(kept, wanted))
                return 0;
        if (kept && !change)
                return hv_node_id_mismatch(state, wanted, kept, err);
        line = hv_asprintf("%s\n", wanted);
        return hv_disk_replace(state, FILE_NAME, line, strlen(line), err);
}
