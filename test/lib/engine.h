/* lib/engine.h - private container engines for tests, run by lib/engine.sh.
 *
 * Model    One engine of a kind serves all tests of a ctest run: the fixtures "docker" and "podman" start and stop it
 *          (lib/engine.cmake), hv_engine_shared() is how a test finds it. A test that hurts its engine starts its own.
 *          Every function fails the test when the engine does not do as told.
 */
#pragma once

#include "base/macros.h"

struct hv_engine;

struct hv_engine *hv_engine_shared(const char *kind);                  /* "docker", "podman" */
struct hv_engine *hv_engine_start(const char *kind, const char *name); /* its own; name: a few letters */
struct hv_engine *hv_engine_free(struct hv_engine *e);                 /* stops its own */
HV_DEFINE_CLEANUP(struct hv_engine, hv_engine_free);

const char *hv_engine_url(const struct hv_engine *e); /* "unix:///tmp/.../sock" */
const char *hv_engine_dir(const struct hv_engine *e);
void hv_engine_kill(struct hv_engine *e);    /* SIGKILL; containers go on */
void hv_engine_term(struct hv_engine *e);    /* SIGTERM, waits for its end */
void hv_engine_restart(struct hv_engine *e); /* after one of these; waits until it answers */
