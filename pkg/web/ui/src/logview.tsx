/* logview.tsx - a log as it comes: follow, search, times, wrapped lines, colours, download.
 *
 * Model   Only what is seen has elements. All rows have one height, and a line that is wrapped is as many rows as it has pieces, so what is
 *         seen follows from where one has scrolled to, and 100,000 lines (log.ts) cost no more than 50. Text that comes in is taken over
 *         once a frame.
 */
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { ask, pause, Problem, RETRY_FIRST_MS, retryLater, tryNow } from "./api";
import { plain, runs } from "./ansi";
import { clock } from "./format";
import { t } from "./i18n";
import { Log, matcher, piece } from "./log";
import { Fault, Icon } from "./parts";

const LINE_PX = 18;
const ROWS_LEAST = 6;
const ROWS_MOST = 20;
const AROUND = 10;
/* In cells, as style.css has them: the number of a line and what is around it; a time. */
const GUTTER = 11;
const TIME = 14;

const WRAP = "hivelet.wrap";
const WRAPS_BELOW_PX = 760;

/* The state of the log at `path`, and how it came to that. */
function useLog(path: string, follow: boolean) {
        const log = useRef(new Log());
        const [, draw] = useReducer<number, void>((n) => n + 1, 0);
        const [error, fail] = useState<Error | null>(null);
        const [done, finish] = useState(false);

        useEffect(() => {
                const ended = new AbortController();
                let frame = 0;
                log.current = new Log();
                const drawSoon = () => {
                        if (!frame)
                                frame = requestAnimationFrame(() => {
                                        frame = 0;
                                        draw();
                                });
                };
                const read = async (query: string) => {
                        const response = await ask(`${path}${path.includes("?") ? "&" : "?"}${query}`, { signal: ended.signal });
                        const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
                        fail(null);
                        while (reader) {
                                const { done: isOver, value } = await reader.read();
                                if (isOver) break;
                                log.current.add(value);
                                drawSoon();
                        }
                        log.current.end();
                        drawSoon();
                };
                /* What is followed has no end here: a task that ends, ends this. */
                const loop = async () => {
                        let wait = RETRY_FIRST_MS;
                        let from = "";
                        while (!ended.signal.aborted) {
                                const before = log.current.lines.length;
                                try {
                                        const since = from && `&since=${encodeURIComponent(from)}`;
                                        await read(follow ? `tail=100000&follow=1&timestamps=1${since}` : "tail=100000");
                                        if (!follow) return finish(true);
                                } catch (fault) {
                                        if (ended.signal.aborted) return;
                                        fail(fault as Error);
                                }
                                if (log.current.lines.length > before) wait = RETRY_FIRST_MS;
                                await pause(wait, ended.signal);
                                wait = retryLater(wait);
                                if (ended.signal.aborted) return;
                                from = log.current.resume();
                        }
                };
                void loop();
                return () => {
                        ended.abort();
                        cancelAnimationFrame(frame);
                };
        }, [path, follow]);
        return { log: log.current, error, done };
}

/* How many cells and pixels of rows there is room for. */
function useRoom(box: { current: HTMLDivElement | null }) {
        const [room, set] = useState({ cells: 80, height: ROWS_MOST * LINE_PX });
        useEffect(() => {
                const element = box.current;
                if (!element) return undefined;
                const probe = document.createElement("span");
                probe.textContent = "0".repeat(100);
                probe.className = "probe";
                const measured = new ResizeObserver(() => {
                        element.append(probe);
                        const cell = probe.getBoundingClientRect().width / 100;
                        probe.remove();
                        set({ cells: Math.floor(element.clientWidth / (cell || 8)), height: element.clientHeight });
                });
                measured.observe(element);
                return () => measured.disconnect();
        }, []);
        return room;
}

export function LogView({ path, name, follow }: { path: string; name: string; follow: boolean }) {
        const { log, error, done } = useLog(path, follow);
        const box = useRef<HTMLDivElement>(null);
        const room = useRoom(box);
        const [top, scrolled] = useState(0);
        const [sticks, stick] = useState(true);
        const [search, look] = useState("");
        const [only, filter] = useState(false);
        const [times, tell] = useState(false);
        const [wraps, wrap] = useState(() => (localStorage.getItem(WRAP) ?? String(innerWidth < WRAPS_BELOW_PX)) === "true");
        const [at, step] = useState(0);

        const all = log.lines;
        const { finds, fault } = useMemo(() => matcher(search), [search]);
        const hits = useMemo(() => {
                if (!finds) return null;
                const found: number[] = [];
                for (let i = 0; i < all.length; i++) if (finds(plain(all[i] ?? ""))) found.push(i);
                return found;
        }, [finds, all, all.length]);
        const shown = only && hits ? hits : null;
        const count = shown ? shown.length : all.length;
        const lineOf = (i: number) => (shown ? (shown[i] ?? 0) : i);
        const hasTimes = all.length > 0 && log.stamps[0] !== "";
        const across = wraps ? Math.max(10, room.cells - GUTTER - (times && hasTimes ? TIME : 0)) : Number.POSITIVE_INFINITY;

        /* At which row each line begins; the last is how many there are. */
        const starts = useMemo(() => {
                const begun = new Uint32Array(count + 1);
                for (let i = 0; i < count; i++) begun[i + 1] = (begun[i] ?? 0) + Math.max(1, Math.ceil((log.cells[lineOf(i)] ?? 0) / across));
                return begun;
        }, [shown, all, count, across]);
        const startOf = (i: number) => starts[i] ?? 0;
        const rowsAll = startOf(count);
        /* The line of this row, counted as `starts` does. */
        const lineAt = (row: number) => {
                let low = 0;
                let high = count;
                while (low < high) {
                        const middle = (low + high + 1) >> 1;
                        if (startOf(middle) <= row) low = middle;
                        else high = middle - 1;
                }
                return low;
        };
        const first = Math.max(0, Math.floor(top / LINE_PX) - AROUND);
        const last = Math.min(rowsAll, Math.ceil((top + room.height) / LINE_PX) + AROUND);

        /* What is on top stays there when its lines become wider or narrower. */
        const onTop = useRef(0);
        useLayoutEffect(() => {
                if (box.current && !sticks) box.current.scrollTop = startOf(onTop.current) * LINE_PX;
        }, [across]);
        useEffect(() => {
                if (box.current && sticks) box.current.scrollTop = box.current.scrollHeight;
        }, [rowsAll, sticks]);

        const jump = (to: number) => {
                const element = box.current;
                if (!element || !hits?.length) return;
                const place = (to + hits.length) % hits.length;
                step(place);
                stick(false);
                element.scrollTop = Math.max(0, startOf(shown ? place : (hits[place] ?? 0)) * LINE_PX - room.height / 2);
        };

        const save = () => {
                const url = URL.createObjectURL(new Blob([`${all.map(plain).join("\n")}\n`], { type: "text/plain" }));
                const anchor = document.createElement("a");
                anchor.href = url;
                anchor.download = `${name}.log`;
                anchor.click();
                URL.revokeObjectURL(url);
        };

        const rows = [];
        for (let i = lineAt(first), row = first; row < last; row++) {
                if (row >= startOf(i + 1)) i++;
                const number = lineOf(i);
                const nth = row - startOf(i);
                const line = all[number] ?? "";
                const stamp = log.stamps[number] ?? "";
                const seen = wraps ? piece(runs(line), nth * across, (nth + 1) * across) : runs(line);
                rows.push(
                        <div key={`${number}.${nth}`} class={`line ${finds?.(plain(line)) ? "hit" : ""} ${hits && hits[at] === number ? "here" : ""}`} title={stamp || undefined}>
                                <span class="number">{nth === 0 ? number + 1 + log.dropped : ""}</span>
                                {times && hasTimes && <span class="stamp">{nth === 0 && stamp ? `${clock(stamp)}.${(stamp.slice(20, -1) || "0").padEnd(3, "0").slice(0, 3)}` : ""}</span>}
                                {seen.map((run, n) => (
                                        <span key={n} class={run.classes}>
                                                {run.text}
                                        </span>
                                ))}
                        </div>,
                );
        }
        return (
                <div class="log">
                        <div class="toolbar">
                                <input
                                        type="search"
                                        aria-label={t("Search in the log")}
                                        aria-invalid={fault !== ""}
                                        placeholder={t("Search, or /regular expression/")}
                                        value={search}
                                        onInput={(event) => {
                                                look(event.currentTarget.value);
                                                step(0);
                                        }}
                                        onKeyDown={(event) => {
                                                if (event.key === "Enter") jump(at + (event.shiftKey ? -1 : 1));
                                        }}
                                />
                                {fault && <Fault error={new Error(fault)} />}
                                {hits && (
                                        <span class="hits">
                                                <span class="dim">{t("{n} of {all} lines", { n: hits.length, all: all.length })}</span>
                                                <button type="button" class="plain" aria-label={t("previous hit")} title={`${t("previous hit")} (Shift+Enter)`} disabled={hits.length === 0} onClick={() => jump(at - 1)}>
                                                        <Icon shape="up" />
                                                </button>
                                                <button type="button" class="plain" aria-label={t("next hit")} title={`${t("next hit")} (Enter)`} disabled={hits.length === 0} onClick={() => jump(at + 1)}>
                                                        <Icon shape="below" />
                                                </button>
                                        </span>
                                )}
                                <label>
                                        <input type="checkbox" checked={only} onChange={(event) => filter(event.currentTarget.checked)} /> {t("only these")}
                                </label>
                                <label>
                                        <input type="checkbox" checked={sticks} onChange={(event) => stick(event.currentTarget.checked)} /> {t("follow")}
                                </label>
                                <label>
                                        <input
                                                type="checkbox"
                                                checked={wraps}
                                                onChange={(event) => {
                                                        localStorage.setItem(WRAP, String(event.currentTarget.checked));
                                                        onTop.current = lineAt(Math.floor(top / LINE_PX));
                                                        wrap(event.currentTarget.checked);
                                                }}
                                        />{" "}
                                        {t("wrap")}
                                </label>
                                {hasTimes && (
                                        <label>
                                                <input type="checkbox" checked={times} onChange={(event) => tell(event.currentTarget.checked)} /> {t("times")}
                                        </label>
                                )}
                                <button type="button" onClick={save} disabled={all.length === 0}>
                                        <Icon shape="down" />
                                        {t("Save")}
                                </button>
                        </div>
                        {error instanceof Problem ? (
                                <div class="actions">
                                        <Fault error={error} />
                                        <button type="button" onClick={tryNow}>
                                                <Icon shape="again" />
                                                {t("Try now")}
                                        </button>
                                </div>
                        ) : (
                                error && <p class="dim">{t("The log was cut off; it goes on when the agent answers.")}</p>
                        )}
                        <div
                                ref={box}
                                class="lines"
                                role="log"
                                aria-live="off"
                                aria-label={t("Log of {name}", { name })}
                                tabIndex={0}
                                style={{ height: `${Math.min(ROWS_MOST, Math.max(ROWS_LEAST, rowsAll + 1)) * LINE_PX}px` }}
                                onScroll={(event) => {
                                        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
                                        scrolled(scrollTop);
                                        if (scrollTop + clientHeight < scrollHeight - 2 * LINE_PX) stick(false);
                                        else if (scrollTop + clientHeight >= scrollHeight - 2) stick(true);
                                }}
                        >
                                <div class="all" style={{ height: `${rowsAll * LINE_PX}px` }}>
                                        <div class="seen" style={{ top: `${first * LINE_PX}px` }}>
                                                {rows}
                                        </div>
                                </div>
                        </div>
                        <p class="dim">
                                {t("lines: {n}", { n: all.length + log.dropped })}
                                {log.dropped > 0 && ` · ${t("the first {n} are not kept here", { n: log.dropped })}`}
                                {done ? ` · ${t("the end")}` : follow && !error ? ` · ${t("waiting for more")}` : ""}
                        </p>
                </div>
        );
}
