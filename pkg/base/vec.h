/* base/vec.h - a growing array of any type.
 *
 *     HV_VEC(struct thing) things = {};
 *     *hv_vec_add(&things) = (struct thing){...};     // a zeroed new element
 *     for (size_t i = 0; i < things.n; i++) use(&things.v[i]);
 *     hv_vec_done(&things);
 *
 * Adding may move the elements: no pointer into `v` survives it.
 */
#pragma once

#include "base/alloc.h"

#define HV_VEC(type)           \
        struct {               \
                type *v;       \
                size_t n, cap; \
        }

#define hv_vec_add(vec)                                                             \
        ({                                                                          \
                __typeof__(vec) _vec = (vec);                                       \
                if (_vec->n == _vec->cap) {                                         \
                        _vec->cap = _vec->cap ? _vec->cap * 2 : 8;                  \
                        _vec->v = hv_realloc(_vec->v, _vec->cap * sizeof *_vec->v); \
                }                                                                   \
                memset(&_vec->v[_vec->n], 0, sizeof *_vec->v);                      \
                &_vec->v[_vec->n++];                                                \
        })

#define hv_vec_push(vec, item) (void) (*hv_vec_add(vec) = (item))

#define hv_vec_clear(vec) ((void) ((vec)->n = 0))

#define hv_vec_done(vec)                   \
        do {                               \
                free((vec)->v);            \
                (vec)->v = NULL;           \
                (vec)->n = (vec)->cap = 0; \
        } while (0)
