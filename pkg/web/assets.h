/* web/assets.h - the files of the web interface, which are part of the program.
 *
 * Model    The build makes them from ui/ (docs/web.md) and writes them into one generated table. Built with
 *          -DHV_WEB=OFF, the table holds a single page that says so. Each file is there as it is and as gzip
 *          has it, so nothing is compressed while somebody waits.
 * Paths    A page has the empty path; all others are what stands behind "/assets/", with a digest of what
 *          they hold in their names: such a name never means anything else, and may be kept for ever.
 * Owner    all of it lives as long as the process.
 * Used by  http/api_web.h
 */
#pragma once

#include <stddef.h>

struct hv_web_data {
        const void *bytes;
        size_t len_bytes;
        const char *tag; /* strong ETag without quotes */
};

struct hv_web_asset {
        const char *path; /* "app-7Q2XKJ4M.js"; "" is the page */
        const char *content_type;
        struct hv_web_data plain, gzip; /* gzip.bytes NULL: only plain */
};

extern const struct hv_web_asset hv_web_assets[]; /* generated, or without.c */
extern const size_t hv_web_n_assets;

/* NULL: there is no such file. */
const struct hv_web_asset *hv_web_find(const char *path);
