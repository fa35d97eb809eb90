/* task/results_internal.h - an open result, for the files of results.h. Private to the module. */
#pragma once

#include "task/kept.h"
#include "task/results.h"
#include "json/json.h"

struct hv_results {
        int fd, files_fd; /* files_fd -1: they were removed */
        char *path;
        struct hv_json *manifest;
        struct hv_kept kept;
};

/* The path of an element of the manifest's files, exactly as it is on disk; the caller frees. */
char *hv_result_path(const struct hv_json *file);
