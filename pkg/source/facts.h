/* source/facts.h - what the judgement of a desired state needs to know about this machine.
 *
 * Model    Gathered once, files when they are asked about, each path once a load. Only looked at, never opened for reading.
 * Blocking A path on a file system that does not answer (a hard NFS mount whose server is away) is waited for 2 seconds, once as
 *          long as it stays so (base/within.h); then nothing is known about it, which is told and no error. Only paths that
 *          the desired state names below node.policy.hostPaths, and files of secrets and configs, are looked at.
 * Units    nano-CPUs and bytes; 0 is "not known". GPUs are told by who asks their driver, host routes by nobody yet.
 */
#pragma once

#include "spec/check.h"

struct hv_facts;

struct hv_facts *hv_facts_new(const char *state_directory); /* the agent's; NULL: where it is by itself */
struct hv_facts *hv_facts_free(struct hv_facts *f);         /* takes NULL, gives NULL */
HV_DEFINE_CLEANUP(struct hv_facts, hv_facts_free);

void hv_facts_set_gpus(struct hv_facts *f, const struct hv_spec_gpu_fact *gpus,
                       size_t n);                                     /* from the next load on */
void hv_facts_set_gpus_withheld(struct hv_facts *f, const char *why); /* the same; NULL: they are given */

const struct hv_spec_facts *hv_facts_get(struct hv_facts *f); /* for one load; good until f is freed */
