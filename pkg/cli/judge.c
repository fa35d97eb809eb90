#include "cli/judge.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "source/facts.h"
#include "source/task_types.h"
#include "spec/load.h"
#include "spec/yaml.h"

static const char *environment(void *userdata, const char *name) {
        (void) userdata;
        return getenv(name);
}

void hv_judge(const struct hv_cli_files *files, bool with_facts, struct hv_diags *diags,
              struct hv_desired **ret) {
        _hv_cleanup_free_ struct hv_spec_file *set = HV_NEW_N(struct hv_spec_file, files->n);
        _hv_cleanup_(hv_task_type_files_done) struct hv_task_type_files types = {};
        _hv_cleanup_(hv_facts_freep) struct hv_facts *facts = with_facts ? hv_facts_new(NULL) : NULL;
        char host[65] = "";
        struct hv_spec_input in = {
                .files = set,
                .n_files = files->n,
                .read = hv_yaml_read,
                .env = environment,
                .hostname = host,
                .facts = facts ? hv_facts_get(facts) : NULL,
        };
        _hv_cleanup_(hv_desired_unrefp) struct hv_desired *desired = NULL;

        (void) gethostname(host, sizeof host - 1);
        for (size_t i = 0; i < files->n; i++)
                set[i] = (struct hv_spec_file){
                        .name = files->v[i].name,
                        .text = files->v[i].text,
                        .len = files->v[i].len,
                        .source = "file",
                        .primary = true,
                };
        hv_task_type_files_read(files->n ? files->v[0].path : NULL, &types, diags);
        in.type_files = types.v.v;
        in.n_type_files = types.v.n;
        if (hv_spec_load(&in, &desired, diags) >= 0 && ret)
                *ret = HV_STEAL(desired);
        hv_diags_sort(diags);
}
