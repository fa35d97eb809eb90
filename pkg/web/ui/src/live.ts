/* live.ts - what changes by itself: the status, the time, the use of resources, events.
 *
 * Model   The agent sends its status as server-sent events whenever it changes, and so tells every page when to look again. What
 *         the machine uses is asked for every few seconds; that is the pulse by which a dead connection is noticed, too.
 * Resume  Events are resumed behind the last one that is known (Last-Event-ID), after a cut as after another page was looked at, so none is
 *         lost or doubled while the agent still has them.
 */
import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { answered, ask, get, link, pause, Problem, RETRY_FIRST_MS, retryLater, silent, wantsLogin } from "./api";
import type { ContainerUsage, GpuUsage, Happening, NodeUsage, Point, Status, Usage } from "./model";

const PULSE_MS = 5000;
const POINTS_MAX = 720;
const EVENTS_MAX = 500;

export const now = signal(Date.now());
setInterval(() => {
        now.value = Date.now();
}, 1000);

export const status = signal<Status | null>(null);
/* Counts what was seen to change: who depends on it looks again. */
export const turn = signal(0);
/* Counts the answers about use: every few seconds. */
export const pulse = signal(0);

interface Sent {
        id: string;
        type: string;
        data: string;
}

/* Server-sent events over fetch: unlike EventSource it takes events of every name, and sees why an answer ends. Goes on for ever, resuming
 * behind the last event that came; ends with the function that it gives. first: where it goes on from, "" for nowhere, which asks for `past`. */
function follow(path: string, take: (event: Sent) => void, first = "", past = ""): () => void {
        const ended = new AbortController();
        let last = first;
        let wait = RETRY_FIRST_MS;

        const read = async () => {
                const headers: Record<string, string> = { Accept: "text/event-stream" };
                if (last) headers["Last-Event-ID"] = last;
                const response = await ask(last ? path : path + past, { headers, signal: ended.signal });
                const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
                let rest = "";
                while (reader) {
                        const { done, value } = await reader.read();
                        if (done) return;
                        wait = RETRY_FIRST_MS;
                        answered();
                        const blocks = (rest + value).split("\n\n");
                        rest = blocks.pop() ?? "";
                        for (const block of blocks) {
                                const sent: Sent = { id: last, type: "message", data: "" };
                                for (const line of block.split("\n")) {
                                        const [, field, text] = /^(\w+): ?(.*)$/.exec(line) ?? [];
                                        if (field === "data") sent.data += (sent.data ? "\n" : "") + text;
                                        else if (field === "event") sent.type = text ?? "";
                                        else if (field === "id") sent.id = text ?? "";
                                }
                                last = sent.id;
                                if (sent.data) take(sent);
                        }
                }
        };
        const loop = async () => {
                while (!ended.signal.aborted) {
                        try {
                                await read();
                                silent();
                        } catch (error) {
                                /* Who refuses does answer; and whoever logs in begins anew. */
                                if (error instanceof Problem && error.status === 401) return;
                                if (!(error instanceof Problem) && (error as Error).name !== "AbortError") silent();
                        }
                        if (ended.signal.aborted) return;
                        await pause(wait, ended.signal);
                        wait = retryLater(wait);
                }
        };
        void loop();
        return () => ended.abort();
}

/* ---- the status ---- */

let stopStatus: (() => void) | null = null;

export function begin(): void {
        stopStatus?.();
        stopStatus = follow("/api/v1/watch", (sent) => {
                status.value = JSON.parse(sent.data);
                turn.value++;
        });
        void beat();
}

/* Back after a while: everything may be different. */
let wasOnline = true;
let hasHistory = false;
effect(() => {
        const { online } = link.value;
        if (online && !wasOnline) {
                hasHistory = false;
                turn.value++;
        }
        wasOnline = online;
});

/* ---- the use of resources ---- */

export const node = signal<NodeUsage | null>(null);
export const gpus = signal<GpuUsage[]>([]);
export const containers = signal<ContainerUsage[]>([]);
export const points = signal<Point[]>([]);
/* History of each container that runs, by its name. */
export const pointsOf = signal<Record<string, Point[]>>({});
export const hasGpus = (container: string) => containers.value.some((use) => use.container === container && use.gpus.length > 0);
/* How much memory it may use. */
export const limitOf = (container: string) => containers.value.find((use) => use.container === container)?.memory.limit ?? undefined;
/* History of each GPU, by its uuid. */
export const pointsOfGpu = signal<Record<string, Point[]>>({});

function append(list: Point[], point: Point): Point[] {
        if (list.at(-1)?.at === point.at) return list;
        return [...list, point].slice(-POINTS_MAX);
}

/* What is not known of one is not known of all. */
export function sum(list: (number | null)[]): number | null {
        return list.length === 0 || list.includes(null) ? null : list.reduce<number>((all, one) => all + (one ?? 0), 0);
}

function pointOf(use: ContainerUsage): Point {
        return {
                gpuPercent: sum(use.gpus.map((gpu) => gpu.use)),
                gpuMemory: sum(use.gpus.map((gpu) => gpu.memory.used)),
                at: use.sampledAt,
                cpuPercent: use.cpu.percent,
                memory: use.memory.workingSet,
                receivedPerSecond: use.network?.receivedPerSecond,
                sentPerSecond: use.network?.sentPerSecond,
                readPerSecond: use.io.readPerSecond,
                writtenPerSecond: use.io.writtenPerSecond,
        };
}

const pointOfGpu = (at: string, use: number | null, memory: number | null, temperature: number | null): Point => ({ at, cpuPercent: use, memory, temperature });

function takeUsage(usage: Usage): void {
        const host = usage.host;
        if (host) {
                node.value = host;
                points.value =
                        host.history ??
                        append(points.value, {
                                at: host.sampledAt,
                                cpuPercent: host.cpu.percent,
                                memory: host.memory.used,
                                diskPercent: Math.max(0, ...host.disks.map((disk) => disk.percent)),
                                receivedPerSecond: host.network.receivedPerSecond,
                                sentPerSecond: host.network.sentPerSecond,
                        });
        }
        const at = host?.sampledAt;
        gpus.value = usage.gpus ?? [];
        if (at)
                pointsOfGpu.value = Object.fromEntries(
                        gpus.value.map((gpu) => [
                                gpu.uuid,
                                gpu.history?.map((point) => pointOfGpu(point.at, point.use, point.memory, point.temperatureCelsius)) ??
                                        append(pointsOfGpu.value[gpu.uuid] ?? [], pointOfGpu(at, gpu.use, gpu.memory.used, gpu.temperatureCelsius)),
                        ]),
                );
        const before = pointsOf.value;
        containers.value = usage.containers ?? [];
        pointsOf.value = Object.fromEntries(
                containers.value.map((use) => [use.container, use.history ?? append(before[use.container] ?? [], pointOf(use))]),
        );
}

let beating: ReturnType<typeof setTimeout> | undefined;

async function beat(): Promise<void> {
        clearTimeout(beating);
        if (!wantsLogin.value) {
                try {
                        takeUsage(await get<Usage>(hasHistory ? "/api/v1/usage" : "/api/v1/usage?history=1"));
                        hasHistory = true;
                        pulse.value++;
                } catch {
                        /* link tells it */
                }
        }
        beating = setTimeout(() => void beat(), PULSE_MS);
}

document.addEventListener("visibilitychange", () => {
        if (!document.hidden && stopStatus) void beat();
});

/* ---- events ---- */

export const events = signal<Happening[]>([]);

/* Events, those that were and those that come, for as long as the component is there. */
export function useEvents(): void {
        useEffect(
                () =>
                        follow(
                                "/api/v1/events?follow=1",
                                (sent) => {
                                        const happening: Happening = JSON.parse(sent.data);
                                        if (events.value.some((known) => known.id === happening.id)) return;
                                        events.value = [...events.value, happening].slice(-EVENTS_MAX);
                                },
                                events.value.at(-1)?.id,
                                "&tail=200",
                        ),
                [],
        );
}
