/* The search in the table of files. */
#include "web/assets.h"

#include "base/macros.h"

const struct hv_web_asset *hv_web_find(const char *path) {
        for (size_t i = 0; i < hv_web_n_assets; i++)
                if (hv_streq(hv_web_assets[i].path, path))
                        return &hv_web_assets[i];
        return NULL;
}
