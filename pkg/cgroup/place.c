/* cgroup/place.c - see place.h. */
#include "cgroup/place.h"

#include "base/alloc.h"
#include "cgroup/slice.h"

char *hv_cgroup_services_slice(const char *slice) {
        return hv_slice_child(slice, "services");
}

char *hv_cgroup_all_tasks_slice(const char *slice) {
        return hv_slice_child(slice, "tasks");
}

char *hv_cgroup_tasks_slice(const char *slice, const char *node_id) {
        _hv_cleanup_free_ char *tasks = hv_cgroup_all_tasks_slice(slice);

        return hv_slice_child(tasks, node_id);
}

char *hv_cgroup_attempt_slice(const char *slice, const char *node_id, const char *task_id, unsigned attempt) {
        _hv_cleanup_free_ char *tasks = hv_cgroup_tasks_slice(slice, node_id);
        _hv_cleanup_free_ char *part = hv_asprintf("%s.%u", task_id, attempt);

        return hv_slice_child(tasks, part);
}

/* Each part is a name, none of them "." or "..". */
static bool is_plain(const char *path) {
        for (const char *p = path; *p; p += strcspn(p, "/")) {
                size_t n;

                if (*p++ != '/')
                        return false;
                n = strcspn(p, "/");
                if (n == 0 || (n == 1 && *p == '.') || (n == 2 && hv_has_prefix(p, "..")))
                        return false;
        }
        return *path != '\0';
}

char *hv_cgroup_path_of_parent(const char *parent) {
        size_t len = parent ? strlen(parent) : 0, suffix = strlen(HV_SLICE_SUFFIX);

        if (len > 0 && *parent == '/')
                return is_plain(parent) ? hv_strdup(parent) : NULL;
        if (len <= suffix || !hv_streq(parent + len - suffix, HV_SLICE_SUFFIX) || strchr(parent, '/') ||
            *parent == '-')
                return NULL;
        return hv_slice_path(parent);
}

bool hv_cgroup_is_slice(const char *path, const char *slice) {
        const char *last = path ? strrchr(path, '/') : NULL;
        size_t stem = strlen(slice) - strlen(HV_SLICE_SUFFIX);

        return last && (hv_streq(last + 1, slice) ||
                        (strlen(last + 1) == stem && strncmp(last + 1, slice, stem) == 0));
}
