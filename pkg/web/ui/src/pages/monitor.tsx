/* monitor.tsx - what the node and its containers use, its links, what happened. */
import { useState } from "preact/hooks";
import { Chart } from "../chart";
import { ContainerCharts, NodeCharts } from "../charts";
import { Copy, CopyPeer } from "../copies";
import { EventList } from "../events";
import { bytes, degrees, percent, rate } from "../format";
import { t } from "../i18n";
import { containers, events, gpus, hasGpus, limitOf, node, pointsOf, pointsOfGpu, status, sum, useEvents } from "../live";
import type { List, Point, Thing } from "../model";
import { Card, Empty, Facts, Fault, Icon, State, Table, When } from "../parts";
import { useAnswer } from "../use";
import { condition, hasCondition, word } from "../words";

interface Trust {
        score: number;
        group: string;
}

interface TrustChange {
        number: number;
        at: string;
        task: string;
        change: number;
        score: number;
        cause: string;
}

/* One that the engine has. */
interface EngineImage {
        id: string;
        name: string | null;
        sizeBytes: number;
        usedBy: string[];
        kept: boolean;
        why: string;
}

interface Collection {
        stuck: boolean;
        bytes: number;
        steps: { what: string; name: string; why: string; bytes: number }[];
        disk?: { totalBytes: number; freeBytes: number; highPercent: number };
}

const GPU_STATES: Record<string, string> = { works: "Ready", mig: "Partitioned", lost: "Lost" };

function Links() {
        const s = status.value;
        if (!s) return null;
        return (
                <Card title={t("Links")}>
                        <Facts
                                verbatim={s.conditions.map((c) => c.type).filter((type) => !hasCondition(type))}
                                rows={[
                                        [
                                                "Docker",
                                                <>
                                                        <State name={s.engine.state} /> {s.engine.message ?? `${s.engine.name} ${s.engine.version}`}
                                                </>,
                                        ],
                                        [
                                                t("Node pool"),
                                                s.pool ? (
                                                        <>
                                                                <State name={s.pool.state} /> {s.pool.address} <When at={s.pool.state === "Online" ? s.pool.since : s.pool.answeredAt} /> {s.pool.message}
                                                                <span class="dim">
                                                                        {t("{assigned} tasks assigned, {delivered} results delivered, {waiting} wait", {
                                                                                assigned: s.pool.assignments,
                                                                                delivered: s.pool.delivered,
                                                                                waiting: s.pool.outbox.results,
                                                                        })}
                                                                </span>
                                                        </>
                                                ) : (
                                                        <span class="dim">{t("none is configured")}</span>
                                                ),
                                        ],
                                        ...s.conditions.map((c): [string, preact.JSX.Element] => [
                                                condition(c.type),
                                                <>
                                                        <span class={`state ${(c.status === "True") !== (c.type === "ConfirmPending") ? "good" : "warn"}`}>
                                                                <Icon shape={(c.status === "True") !== (c.type === "ConfirmPending") ? "good" : "warn"} />
                                                                {c.status === "True" ? t("yes") : c.status === "False" ? t("no") : t("unknown")}
                                                        </span>{" "}
                                                        {c.message}
                                                </>,
                                        ]),
                                ]}
                        />
                </Card>
        );
}

function Containers() {
        const [open, show] = useState<string | null>(null);
        const history = open ? pointsOf.value[open] : undefined;
        const list = containers.value.toSorted((a, b) => (b.cpu.percent ?? 0) - (a.cpu.percent ?? 0));
        const withGpus = list.some((use) => use.gpus.length > 0);
        const figures = [t("CPU"), t("Memory"), t("Limit"), t("Received"), t("Sent"), ...(withGpus ? ["GPU", t("GPU memory")] : [])];
        return (
                <Card title={t("Containers")} id="containers">
                        {list.length === 0 ? (
                                <Empty>{t("No container runs.")}</Empty>
                        ) : (
                                <Table label={t("Containers")} head={[t("Container"), ...figures]} right={figures}>
                                        {list.map((use) => (
                                                <tr key={use.container}>
                                                        <th scope="row">
                                                                <button type="button" class="link" data-row aria-expanded={open === use.container} onClick={() => show(open === use.container ? null : use.container)}>
                                                                        {use.container}
                                                                </button>
                                                        </th>
                                                        <td>{percent(use.cpu.percent)}</td>
                                                        <td>{bytes(use.memory.workingSet)}</td>
                                                        <td>{use.memory.limit === null ? "–" : `${bytes(use.memory.limit)} (${percent(use.memory.percent)})`}</td>
                                                        <td>{rate(use.network?.receivedPerSecond)}</td>
                                                        <td>{rate(use.network?.sentPerSecond)}</td>
                                                        {withGpus && <td>{percent(sum(use.gpus.map((gpu) => gpu.use)))}</td>}
                                                        {withGpus && <td>{bytes(sum(use.gpus.map((gpu) => gpu.memory.used)))}</td>}
                                                </tr>
                                        ))}
                                </Table>
                        )}
                        {open && history && <ContainerCharts of={open} points={history} limit={limitOf(open)} hasGpus={hasGpus(open)} />}
                </Card>
        );
}

/* GPUs alone have no card where there are none. */
function Gpus() {
        if (gpus.value.length === 0) return null;
        return (
                <Card title={t("GPUs")} id="gpus">
                        {gpus.value.map((gpu, i) => {
                                const history = pointsOfGpu.value[gpu.uuid] ?? [];
                                return (
                                        <div key={gpu.uuid} class="gpu">
                                                <div class="head">
                                                        <h3 translate={false}>
                                                                GPU {i}: {gpu.name}
                                                        </h3>
                                                        <State name={GPU_STATES[gpu.state] ?? gpu.state} />
                                                        <code>{gpu.uuid}</code>
                                                        <span class="dim">{t("processes: {n}", { n: gpu.processes.length })}</span>
                                                </div>
                                                <div class="charts">
                                                        <Chart title={`GPU ${i}: ${t("busy")}`} points={history} show={percent} max={100} lines={[{ label: t("busy"), ink: "--green", of: (p) => p.cpuPercent }]} />
                                                        <Chart title={`GPU ${i}: ${t("Memory")}`} points={history} show={bytes} max={gpu.memory.total} of={bytes(gpu.memory.total)} lines={[{ label: t("used"), ink: "--violet", of: (p) => p.memory }]} />
                                                        <Chart title={`GPU ${i}: ${t("Temperature")}`} points={history} show={degrees} lines={[{ label: t("Temperature"), ink: "--amber", of: (p) => p.temperature }]} />
                                                </div>
                                        </div>
                                );
                        })}
                </Card>
        );
}

function Tunnels() {
        const { data, error } = useAnswer<List<Thing>>("/api/v1/wireguard", true);
        const list = data?.items ?? [];
        return (
                <Card title="WireGuard" id="wireguard">
                        <Fault error={error} />
                        {data && list.length === 0 && <Empty>{t("No interface is declared.")}</Empty>}
                        {list.map((tunnel) => (
                                <div key={tunnel.metadata.name}>
                                        <div class="head">
                                                <h3 translate={false}>{tunnel.metadata.name}</h3>
                                                <State name={tunnel.status.phase} />
                                                <Copy kind="WireGuard" name={tunnel.metadata.name} thing={tunnel} />
                                        </div>
                                        {tunnel.status.message && <p class="dim">{tunnel.status.message}</p>}
                                        <Table label={t("Peers of {name}", { name: tunnel.metadata.name })} head={[t("Peer"), t("Endpoint"), t("Handshake"), t("Received"), t("Sent"), t("Copy")]} right={[t("Received"), t("Sent")]}>
                                                {(tunnel.status.peers ?? []).map((peer) => (
                                                        <tr key={peer.publicKey}>
                                                                <th scope="row">{peer.name || peer.publicKey.slice(0, 8)}</th>
                                                                <td class="break">{peer.fault ?? peer.endpoint ?? "–"}</td>
                                                                <td>
                                                                        <When at={peer.handshakeAt} />
                                                                </td>
                                                                <td>{bytes(peer.receivedBytes)}</td>
                                                                <td>{bytes(peer.sentBytes)}</td>
                                                                <td>
                                                                        <CopyPeer tunnel={tunnel.metadata.name} peer={peer} />
                                                                </td>
                                                        </tr>
                                                ))}
                                        </Table>
                                </div>
                        ))}
                </Card>
        );
}

const scoreAt = (change: TrustChange): Point => ({ at: change.at, cpuPercent: null, memory: null, score: change.score });

function TrustCard() {
        const trust = useAnswer<Trust>("/api/v1/trust");
        const ledger = useAnswer<List<TrustChange>>("/api/v1/trust/ledger");
        const list = ledger.data?.items ?? [];
        return (
                <Card title={t("Trust")} id="trust" side={trust.data && <span class="tag">{`${trust.data.score} (${trust.data.group})`}</span>}>
                        <Fault error={trust.error} />
                        {list.length > 1 && (
                                <Chart title={t("Score")} points={list.map(scoreAt).toReversed()} show={(score) => (score ?? 0).toFixed(0)} lines={[{ label: t("Score"), ink: "--blue", of: (p) => p.score }]} />
                        )}
                        {list.length === 0 ? (
                                <Empty>{t("No task has changed it yet.")}</Empty>
                        ) : (
                                <Table label={t("Changes of trust")} head={[t("When"), t("Change"), t("Score"), t("Task"), t("Cause")]} right={[t("Change"), t("Score")]}>
                                        {list.slice(0, 20).map((change) => (
                                                <tr key={change.number}>
                                                        <td>
                                                                <When at={change.at} />
                                                        </td>
                                                        <td>{change.change > 0 ? `+${change.change}` : change.change}</td>
                                                        <td>{change.score}</td>
                                                        <td>
                                                                <a href={`/tasks/${encodeURIComponent(change.task)}`}>{change.task}</a>
                                                        </td>
                                                        <td class="wrap">{word(change.cause)}</td>
                                                </tr>
                                        ))}
                                </Table>
                        )}
                </Card>
        );
}

/* Those that the engine has, largest first; and those that are declared and not there yet. */
function Images({ of, declared }: { of: EngineImage[]; declared: Thing[] }) {
        const list = of.toSorted((a, b) => b.sizeBytes - a.sizeBytes);
        if (list.length + declared.length === 0) return null;
        return (
                <>
                        <h3>{t("images: {n}, {bytes} with their layers", { n: list.length, bytes: bytes(list.reduce((all, image) => all + image.sizeBytes, 0)) })}</h3>
                        <Table label={t("Images")} head={[t("Image"), t("Size"), t("Containers"), t("Why")]} right={[t("Size"), t("Containers")]}>
                                {list.map((image) => (
                                        <tr key={image.id}>
                                                <th scope="row" class="wrap">
                                                        {image.name ?? <code>{image.id.slice(0, 19)}</code>}
                                                </th>
                                                <td>{bytes(image.sizeBytes)}</td>
                                                <td>{image.usedBy.length}</td>
                                                <td class="wrap">{image.why}</td>
                                        </tr>
                                ))}
                        </Table>
                        {declared.map((image) => (
                                <p key={image.metadata.name}>
                                        <State name={image.status.phase} /> {image.metadata.name} <Copy kind="Image" name={image.metadata.name} thing={image} />
                                </p>
                        ))}
                </>
        );
}

function Disks() {
        const gc = useAnswer<Collection>("/api/v1/gc");
        const images = useAnswer<List<Thing>>("/api/v1/images");
        const held = useAnswer<List<EngineImage>>("/api/v1/node/images");
        return (
                <Card title={t("Disks and images")} id="disks">
                        <Table label={t("Disks")} head={[t("Use"), t("Used"), t("Free"), t("Path")]} right={[t("Free")]}>
                                {(node.value?.disks ?? []).map((disk) => (
                                        <tr key={disk.use}>
                                                <th scope="row">{disk.use}</th>
                                                <td>
                                                        <meter min={0} max={100} high={85} value={disk.percent} aria-label={t("Used")} /> {percent(disk.percent)}
                                                </td>
                                                <td>{bytes(disk.available)}</td>
                                                <td class="wrap">
                                                        <code>{disk.path}</code>
                                                </td>
                                        </tr>
                                ))}
                        </Table>
                        <Fault error={gc.error} />
                        {gc.data && (
                                <p>
                                        {gc.data.steps.length === 0
                                                ? t("Garbage collection would remove nothing.")
                                                : t("Garbage collection would remove {n} things and free {bytes}.", { n: gc.data.steps.length, bytes: bytes(gc.data.bytes) })}
                                </p>
                        )}
                        <Fault error={held.error} />
                        <Images of={held.data?.items ?? []} declared={images.data?.items ?? []} />
                </Card>
        );
}

export function MonitorPage() {
        useEvents();
        const [level, choose] = useState("all");
        const [search, look] = useState("");
        const host = node.value;
        const list = events.value.filter(
                (event) =>
                        (level === "all" || event.level === "warning" || event.level.startsWith("err") || event.level === "critical") &&
                        (!search || `${event.event} ${event.message}`.toLowerCase().includes(search.toLowerCase())),
        );
        return (
                <>
                        <h1 tabIndex={-1}>{t("Monitor")}</h1>
                        <Card
                                title={t("This machine")}
                                id="machine"
                                side={host && <span class="dim">{t("CPUs: {n}, load: {load}, processes: {p}", { n: host.cpu.count, load: (host.load["1m"] ?? 0).toFixed(2), p: host.processes })}</span>}
                        >
                                <NodeCharts />
                        </Card>
                        <Containers />
                        <Gpus />
                        <div class="grid two">
                                <Links />
                                <Tunnels />
                                <Disks />
                                <TrustCard />
                        </div>
                        <Card title={t("Events")} id="events">
                                <div class="toolbar">
                                        <input type="search" aria-label={t("Search in the events")} placeholder={t("Search in the events")} value={search} onInput={(event) => look(event.currentTarget.value)} />
                                        <label>
                                                <input type="checkbox" checked={level !== "all"} onChange={(event) => choose(event.currentTarget.checked ? "warning" : "all")} /> {t("only warnings and errors")}
                                        </label>
                                </div>
                                <EventList items={list} linked />
                        </Card>
                </>
        );
}
