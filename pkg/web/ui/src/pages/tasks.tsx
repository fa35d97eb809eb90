/* tasks.tsx - what runs, what waits, what ended; and a new one. */
import { useRef, useState } from "preact/hooks";
import { get, Problem, send } from "../api";
import { duration, seconds } from "../format";
import { t } from "../i18n";
import { now } from "../live";
import type { List, Task } from "../model";
import { OrderDialog, stopTask } from "../orders";
import { Card, Dialog, Empty, Fault, Icon, State, Table, tell, useAct, When } from "../parts";
import { go, query, withQuery } from "../router";
import { may } from "../session";
import { useAnswer } from "../use";
import { word } from "../words";
import { Crons } from "./crons";

const PAGE = 50;
const FILTERS: [string, string][] = [
        ["", "All"],
        ["live", "Live"],
        ["Completed", "Completed"],
        ["Failed,TimedOut,Rejected", "Failed"],
        ["Stopped", "Stopped"],
];
const TEMPLATE = `apiVersion: hivelet/v1
kind: Task
metadata: {name: hello}
spec:
  image: docker.io/library/busybox:latest
  command: [sh, -c, "echo hello; mkdir -p results; date > results/when.txt"]
  resources:
    limits: {cpu: 500m, memory: 64Mi}
`;

interface Fit {
        verdict?: string;
        fits?: string;
        message?: string;
}

function Submit({ close }: { close: () => void }) {
        const [text, write] = useState(TEMPLATE);
        const [found, find] = useState<string[]>([]);
        const [busy, run] = useAct();

        const judged = async (act: () => Promise<string>) => {
                find([]);
                try {
                        return await act();
                } catch (error) {
                        if (error instanceof Problem && error.findings.length) find(error.findings.map((one) => one.text ?? one.message));
                        throw error;
                }
        };
        const fit = () => run(() => judged(async () => {
                const answer = await send<Fit>("POST", "/api/v1/fit", text, "application/yaml");
                return answer.message || `${t("It fits:")} ${answer.verdict ?? answer.fits ?? ""}`;
        }));
        const submit = async () => {
                const done = await run(() => judged(async () => {
                        const task = await send<Task>("POST", "/api/v1/tasks", text, "application/yaml");
                        go(`/tasks/${encodeURIComponent(task.metadata.name)}`);
                        return t("{name} is promised", { name: task.metadata.name });
                }));
                if (done) close();
        };
        return (
                <Dialog title={t("A new task")} close={close} wide>
                        <label>
                                {t("Document (YAML or JSON)")}
                                <textarea rows={14} spellcheck={false} value={text} onInput={(event) => write(event.currentTarget.value)} />
                        </label>
                        {found.map((one) => (
                                <pre key={one} class="finding" role="alert">
                                        {one}
                                </pre>
                        ))}
                        <div class="actions">
                                <button type="button" class="primary" disabled={busy} onClick={() => void submit()}>
                                        {t("Submit")}
                                </button>
                                <button type="button" disabled={busy} onClick={() => void fit()}>
                                        {t("Would it fit?")}
                                </button>
                                <button type="button" onClick={close}>
                                        {t("Cancel")}
                                </button>
                        </div>
                </Dialog>
        );
}

export function took(task: Task): string {
        const { startedAt, endedAt, ended } = task.status;
        const time = seconds(startedAt, ended ? endedAt : now.value);
        return time === null ? "–" : duration(time);
}

export function TasksPage() {
        const state = query.value.get("state") ?? "";
        const wanted = query.value.get("search") ?? "";
        const base = `/api/v1/tasks?limit=${PAGE}${state ? `&state=${encodeURIComponent(state)}` : ""}${wanted ? `&search=${encodeURIComponent(wanted)}` : ""}`;
        const { data, error, again } = useAnswer<List<Task>>(base);
        const [more, add] = useState<{ base: string; items: Task[]; next: string | null }>({ base: "", items: [], next: null });
        const [submits, submit] = useState(false);
        const [stops, stop] = useState<string | null>(null);
        const [busy, run] = useAct();

        const later = more.base === base ? more : { items: [], next: data?.metadata?.continue ?? null };
        const before = useRef<Task[]>([]); /* shown until the agent has answered */
        if (data) before.current = data.items;
        const items = [...before.current];
        const known = new Set(items.map((task) => task.metadata.name));
        items.push(...later.items.filter((task) => !known.has(task.metadata.name)));

        const fetchMore = async () => {
                try {
                        const page = await get<List<Task>>(`${base}&continue=${encodeURIComponent(later.next ?? "")}`);
                        add({ base, items: [...later.items, ...page.items], next: page.metadata?.continue ?? null });
                } catch (fault) {
                        tell((fault as Error).message, true);
                }
        };
        const retry = (name: string) =>
                void run(async () => {
                        await send("POST", `/api/v1/tasks/${encodeURIComponent(name)}/retry`, "{}");
                        again();
                        return t("{name} runs again", { name });
                });

        return (
                <>
                        <div class="head">
                                <h1 tabIndex={-1}>{t("Tasks")}</h1>
                                {may("admin") && (
                                        <button type="button" class="primary" onClick={() => submit(true)}>
                                                <Icon shape="plus" />
                                                {t("New task")}
                                        </button>
                                )}
                        </div>
                        <Card title={t("Runs, newest first")} id="runs">
                                <div class="toolbar">
                                        <nav aria-label={t("Which tasks")} class="chips">
                                                {FILTERS.map(([value, label]) => (
                                                        <a key={label} href={withQuery({ state: value })} aria-current={value === state ? "true" : undefined}>
                                                                {t(label)}
                                                        </a>
                                                ))}
                                        </nav>
                                        <input
                                                type="search"
                                                aria-label={t("Search in the tasks")}
                                                placeholder={t("Search in the tasks")}
                                                value={wanted}
                                                onInput={(event) => go(withQuery({ search: event.currentTarget.value.trim() }), true)}
                                        />
                                </div>
                                <Fault error={error} />
                                {data && items.length === 0 ? (
                                        <Empty>{t("No such tasks.")}</Empty>
                                ) : (
                                        <Table label={t("Tasks")} head={[t("Task"), t("State"), t("Why"), t("Begun"), t("Took"), t("From"), t("Act")]} right={[t("Took"), t("Act")]}>
                                                {items.map((task) => (
                                                        <tr key={task.metadata.name}>
                                                                <th scope="row">
                                                                        <a data-row href={`/tasks/${encodeURIComponent(task.metadata.name)}`}>
                                                                                {task.metadata.name}
                                                                        </a>
                                                                </th>
                                                                <td>
                                                                        <State name={task.status.phase} />
                                                                </td>
                                                                <td class="wrap">{task.status.message || (task.status.cause && !task.status.ended ? word(task.status.cause) : "")}</td>
                                                                <td>
                                                                        <When at={task.status.startedAt ?? task.status.acceptedAt} />
                                                                </td>
                                                                <td>{took(task)}</td>
                                                                <td>{word(task.metadata.source)}</td>
                                                                <td>
                                                                        {!task.status.ended && may("operator") && (
                                                                                <button type="button" aria-label={t("Stop {name}", { name: task.metadata.name })} onClick={() => stop(task.metadata.name)}>
                                                                                        <Icon shape="stop" />
                                                                                        {t("Stop")}
                                                                                </button>
                                                                        )}
                                                                        {task.status.ended && may("admin") && (
                                                                                <button type="button" disabled={busy} aria-label={t("Run {name} again", { name: task.metadata.name })} onClick={() => retry(task.metadata.name)}>
                                                                                        <Icon shape="again" />
                                                                                        {t("Run again")}
                                                                                </button>
                                                                        )}
                                                                </td>
                                                        </tr>
                                                ))}
                                        </Table>
                                )}
                                {later.next && (
                                        <p class="actions">
                                                <button type="button" onClick={() => void fetchMore()}>
                                                        {t("More")}
                                                </button>
                                        </p>
                                )}
                        </Card>
                        <Crons />
                        {stops && <OrderDialog order={stopTask(stops)} close={() => stop(null)} />}
                        {submits && <Submit close={() => submit(false)} />}
                </>
        );
}
