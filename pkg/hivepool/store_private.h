/* hivepool/store_private.h - what the parts of the store share. */
#pragma once

#include "hivepool/store.h"
#include "sqlite/steps.h"

struct hv_store {
        struct hv_db db;
};

extern const struct hv_db_steps hv_store_steps;

/* Calls a visitor; no change is let in until it returns. */
#define HV_STORE_SHOW(s, call)       \
        ({                           \
                (s)->db.n_walks++;   \
                int _shown = (call); \
                (s)->db.n_walks--;   \
                _shown;              \
        })
