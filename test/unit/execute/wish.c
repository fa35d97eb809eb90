/* wish.c - see wish.h. */
#include "wish.h"

#include <fcntl.h>

#include "testing.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "source/read.h"
#include "spec/load.h"
#include "spec/yaml.h"

struct hv_desired *wish(const char *text) {
        _hv_cleanup_(hv_diags_freep) struct hv_diags *diags = hv_diags_new();
        _hv_cleanup_(hv_buf_done) struct hv_buf shown = {};
        const struct hv_spec_file file = {
                .name = "node.yaml", .text = text, .len = strlen(text), .source = "file", .primary = true
        };
        struct hv_desired *d = NULL;

        if (hv_spec_load(
                    &(struct hv_spec_input){
                            .files = &file, .n_files = 1, .read = hv_yaml_read, .hostname = "host" },
                    &d, diags) < 0) {
                hv_diags_sort(diags);
                hv_diags_render(diags, false, &shown);
                fail_msg("%s", hv_buf_str(&shown));
        }
        return d;
}

struct hv_desired *wish_services(const char *services) {
        _hv_cleanup_free_ char *text =
                hv_asprintf("apiVersion: hivelet/v1\nkind: NodeState\nmetadata: {name: node-1}\n"
                            "spec:\n  services: %s\n",
                            services);

        return wish(text);
}

struct hv_desired *wish_file(const char *path) {
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        struct hv_fault fault;

        if (hv_read_config(AT_FDCWD, path, &text, &fault) < 0)
                fail_msg("%s: %s", path, fault.message);
        return wish(text.data);
}
