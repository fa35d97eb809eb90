/* gpu/helper.h - the process that talks to GPU drivers, so that the agent need not: a call of a driver whose GPU is sick may never
 * return, and a driver's library that breaks takes its process along.
 *
 *      agent  --"sample\n"------------------------>  helper --> libnvidia-ml.so.1
 *             <--one line of gpu.h-----------------
 *             --"access\t<cgroup>\t<device>\n"---->  may what stands in that cgroup use the device? (access.h)
 *             <--{"access":0 or -errno}------------
 *
 * Model    The agent's own program, started under the name HV_GPU_HELPER. It has two descriptors, none of the agent's others, can gain
 *          no privilege, is gone when the agent is, and ends when its input does.
 * Trust    It loads what the dynamic linker finds as libnvidia-ml.so.1, by the agent's own LD_LIBRARY_PATH: who can set that could
 *          have had the agent itself load anything.
 */
#pragma once

#define HV_GPU_HELPER "hivelet-gpu"

/* Serves until the end of its input. An exit code. */
int hv_gpu_helper_run(int in_fd, int out_fd);
