/* task.tsx - one task: how it goes or went, its log, its files. */
import { useState } from "preact/hooks";
import { send } from "../api";
import { ContainerCharts } from "../charts";
import { Copy } from "../copies";
import { EventList } from "../events";
import { bytes, duration, seconds } from "../format";
import { t } from "../i18n";
import { hasGpus, pointsOf } from "../live";
import { LogView } from "../logview";
import type { Attempt, Happening, List, Task } from "../model";
import { OrderDialog, stopTask } from "../orders";
import { Card, Empty, Facts, Fault, Icon, State, Table, useAct, When } from "../parts";
import { may } from "../session";
import { useAnswer } from "../use";
import { hasWord, word } from "../words";
import { took } from "./tasks";

interface Results {
        files: { path: string; size: number; sha256: string; mode: string }[];
        filesTotal: number;
        bytesTotal: number;
        truncated: boolean;
        removed: string | null;
}

function Timeline({ task }: { task: Task }) {
        const s = task.status;
        const steps: [string, string | null | undefined, string][] = [[t("accepted"), s.acceptedAt, t("from {source}", { source: word(task.metadata.source) })]];
        for (const a of task.attempts ?? []) {
                steps.push([t("attempt {n}", { n: a.attempt }), a.begunAt, ""]);
                steps.push([t("started"), a.startedAt ?? (a.attempt === s.attempt ? s.startedAt : null), ""]);
                steps.push([t("program ended"), a.finishedAt, a.exitCode === null ? "" : t("exit code {n}", { n: a.exitCode })]);
                if (a.endedAt) steps.push([t("result kept"), a.endedAt, [hasWord(a.reason) ? word(a.reason ?? "") : "", a.message].filter(Boolean).join(" ")]);
        }
        if (s.ended) steps.push([word(s.phase), s.endedAt, s.message]);
        return (
                <ol class="timeline">
                        {steps
                                .filter(([, at]) => at)
                                .map(([what, at, note], i) => (
                                        <li key={i}>
                                                <When at={at} absolute />
                                                <strong>{what}</strong>
                                                <span class="dim">{note}</span>
                                        </li>
                                ))}
                        {!s.ended && (
                                <li class="open">
                                        <span />
                                        <State name={s.phase} />
                                        <span class="dim">{s.message}</span>
                                </li>
                        )}
                </ol>
        );
}

function Files({ base, ended }: { base: string; ended: boolean }) {
        const { data, error } = useAnswer<Results>(ended ? `${base}/results` : null);
        if (!ended) return <Empty>{t("Files are collected when it has ended.")}</Empty>;
        if (error) return <Fault error={error} />;
        if (!data) return <Empty>{t("Asking the agent …")}</Empty>;
        if (data.filesTotal === 0) return <Empty>{t("It left no files.")}</Empty>;
        return (
                <>
                        <p class="actions">
                                <a class="button" href={`${base}/results?format=tar`} download>
                                        <Icon shape="down" />
                                        {t("All as tar")}
                                </a>
                                <a class="button" href={`${base}/results?format=zip`} download>
                                        <Icon shape="down" />
                                        {t("All as zip")}
                                </a>
                                <span class="dim">
                                        {t("files: {n}", { n: data.filesTotal })}, {bytes(data.bytesTotal)}
                                </span>
                        </p>
                        <Table label={t("Files")} head={[t("File"), t("Size"), "SHA-256"]} right={[t("Size")]}>
                                {data.files.map((file) => (
                                        <tr key={file.path}>
                                                <th scope="row">
                                                        <a data-row href={`${base}/results/${file.path.split("/").map(encodeURIComponent).join("/")}`} download>
                                                                {file.path}
                                                        </a>
                                                </th>
                                                <td>{bytes(file.size)}</td>
                                                <td>
                                                        <code title={file.sha256}>{file.sha256.slice(0, 12)}</code>
                                                </td>
                                        </tr>
                                ))}
                        </Table>
                </>
        );
}

const usedBy = (attempt: Attempt | undefined): string =>
        attempt?.usage?.memoryPeakBytes
                ? `${duration((attempt.usage.cpuMicroseconds ?? 0) / 1e6)} ${t("CPU")}, ${bytes(attempt.usage.memoryPeakBytes)} ${t("at most")}`
                : "–";

export function TaskPage({ name }: { name: string }) {
        const base = `/api/v1/tasks/${encodeURIComponent(name)}`;
        const { data: task, error, again } = useAnswer<Task>(base);
        const events = useAnswer<List<Happening>>(`${base}/events?tail=100`);
        const [stops, stop] = useState(false);
        const [before, lookBack] = useState(false);
        const [busy, run] = useAct();
        const s = task?.status;
        const history = s?.container ? pointsOf.value[s.container] : undefined;
        const waited = seconds(s?.acceptedAt, s?.startedAt);

        const retry = () =>
                run(async () => {
                        await send("POST", `${base}/retry`, "{}");
                        again();
                        return t("{name} runs again", { name });
                });
        return (
                <>
                        <p class="crumbs">
                                <a href="/tasks">{t("Tasks")}</a>
                        </p>
                        <div class="head">
                                <h1 tabIndex={-1}>{name}</h1>
                                {s && <State name={s.phase} />}
                                {s && !s.ended && may("operator") && (
                                        <button type="button" class="danger" onClick={() => stop(true)}>
                                                <Icon shape="stop" />
                                                {t("Stop")}
                                        </button>
                                )}
                                {s?.ended && may("admin") && (
                                        <button type="button" disabled={busy} onClick={() => void retry()}>
                                                <Icon shape="again" />
                                                {t("Run again")}
                                        </button>
                                )}
                                <Copy kind="Task" name={name} thing={task?.spec ? task : null} />
                        </div>
                        <Fault error={error} />
                        {s && (hasWord(s.cause) || s.message) && (
                                <p class="because">
                                        {hasWord(s.cause) && <strong>{word(s.cause ?? "")}</strong>} {s.reason !== s.cause && hasWord(s.reason) && word(s.reason ?? "")} {s.message}
                                        {s.stop?.reason && ` (${s.stop.reason})`}
                                </p>
                        )}
                        {task && s && (
                                <div class="grid two">
                                        <Card title={t("Timeline")}>
                                                <Timeline task={task} />
                                        </Card>
                                        <Card title={t("Facts")}>
                                                <Facts
                                                        rows={[
                                                                [t("Image"), s.image ?? String(task.spec?.image ?? "–")],
                                                                [t("From"), word(task.metadata.source)],
                                                                [t("Attempt"), s.attempt],
                                                                [t("Waited"), waited === null ? "–" : duration(waited)],
                                                                [t("Took"), took(task)],
                                                                [t("Exit code"), s.exitCode ?? "–"],
                                                                ...(s.resources ? [[t("Booked"), `${s.resources.cpu} ${t("CPU")}, ${bytes(s.resources.memory)}`] as [string, string]] : []),
                                                                [t("Used"), usedBy(task.attempts?.at(-1))],
                                                                [t("Kept in"), <code key="p">{task.paths?.results ?? task.paths?.workspace ?? "–"}</code>],
                                                        ]}
                                                />
                                        </Card>
                                </div>
                        )}
                        {history && (
                                <Card title={t("Use")}>
                                        <ContainerCharts points={history} limit={s?.resources?.memory || undefined} hasGpus={hasGpus(s?.container ?? "")} />
                                </Card>
                        )}
                        {task && s && may("operator") && (
                                <Card
                                        title={t("Log")}
                                        side={
                                                s.attempt > 1 && (
                                                        <label>
                                                                <input type="checkbox" checked={before} onChange={(event) => lookBack(event.currentTarget.checked)} />{" "}
                                                                {t("only the attempt before")}
                                                        </label>
                                                )
                                        }
                                >
                                        <LogView
                                                key={`${s.attempt}-${s.ended}-${before}`}
                                                path={`${base}/logs${before ? "?previous=1" : ""}`}
                                                name={name}
                                                follow={!s.ended && !before}
                                        />
                                </Card>
                        )}
                        {task && s && may("operator") && (
                                <Card title={t("Files")}>
                                        <Files base={base} ended={s.ended} />
                                </Card>
                        )}
                        <Card title={t("Events")}>
                                <EventList items={events.data?.items ?? []} />
                        </Card>
                        {stops && <OrderDialog order={stopTask(name)} close={() => stop(false)} />}
                </>
        );
}
