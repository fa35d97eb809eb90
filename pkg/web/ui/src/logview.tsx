/* logview.tsx - a log as it comes: follow, search, colours, download.
 *
 * Model   Lines are kept as text, at most LINES_MAX; only those that are seen have elements. All have one height, so what is seen follows
 *         from where one has scrolled to, and 100,000 lines cost no more than 50. Text that comes in is taken over once a frame.
 * Resume  What is followed is asked for with the engine's time of each line. After a cut, a restart of the agent or of the container it is
 *         asked for again from a little before the newest line on, and lines that are here already are left out. Times say which are:
 *         the lines of two streams come almost, not always, in their order.
 */
import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { ask, pause, Problem, RETRY_FIRST_MS, retryLater, tryNow } from "./api";
import { plain, runs } from "./ansi";
import { t } from "./i18n";
import { Fault, Icon } from "./parts";

const LINES_MAX = 200_000;
const LINE_PX = 18;
const ROWS_PX = 360;
const AROUND = 10;
const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) /;
const OVERLAP_MS = 2000;

class Log {
        lines: string[] = [];
        dropped = 0;
        #stamps: string[] = [];
        #known: Map<string, number> | null = null; /* lines that may come once more, and how often, */
        #knownUntil = 0; /* up to this time */
        #rest = "";

        add(text: string): void {
                const parts = (this.#rest + text).split("\n");
                this.#rest = parts.pop() ?? "";
                for (const part of parts) this.#take(part.endsWith("\r") ? part.slice(0, -1) : part);
                const over = this.lines.length - LINES_MAX;
                if (over > LINES_MAX / 10) {
                        this.lines.splice(0, over);
                        this.#stamps.splice(0, over);
                        this.dropped += over;
                }
        }

        #take(line: string): void {
                const stamp = STAMP.exec(line)?.[1] ?? "";
                const text = stamp ? line.slice(stamp.length + 1) : line;
                if (stamp && this.#known) {
                        const times = this.#known.get(stamp + text) ?? 0;
                        this.#known.set(stamp + text, times - 1);
                        if (times > 0) return;
                        if (Date.parse(stamp) > this.#knownUntil) this.#known = null;
                }
                this.lines.push(text);
                this.#stamps.push(stamp);
        }

        newest(): number {
                for (let i = this.#stamps.length - 1; i >= 0; i--) if (this.#stamps[i]) return Date.parse(this.#stamps[i] ?? "");
                return 0;
        }

        /* From where it is to be asked for again; "" for the beginning, and what there was is forgotten: without times nobody knows what is new. */
        resume(): string {
                const newest = this.newest();
                this.#rest = "";
                if (!newest) {
                        this.lines = [];
                        this.dropped = 0;
                        this.#stamps = [];
                        return "";
                }
                this.#known = new Map();
                this.#knownUntil = newest + OVERLAP_MS;
                for (let i = this.lines.length - 1; i >= 0; i--) {
                        const stamp = this.#stamps[i] ?? "";
                        if (stamp && Date.parse(stamp) < newest - 2 * OVERLAP_MS) break;
                        const line = stamp + this.lines[i];
                        this.#known.set(line, (this.#known.get(line) ?? 0) + 1);
                }
                return new Date(newest - OVERLAP_MS).toISOString();
        }

        end(): void {
                if (this.#rest) this.add("\n");
        }
}

function matcher(text: string): ((line: string) => boolean) | null {
        if (!text) return null;
        const regular = /^\/(.+)\/$/.exec(text);
        if (regular) {
                try {
                        const wanted = new RegExp(regular[1] ?? "", "i");
                        return (line) => wanted.test(line);
                } catch {
                        return null;
                }
        }
        const wanted = text.toLowerCase();
        return (line) => line.toLowerCase().includes(wanted);
}

export function LogView({ path, name, follow }: { path: string; name: string; follow: boolean }) {
        const log = useRef(new Log());
        const box = useRef<HTMLDivElement>(null);
        const [, draw] = useReducer<number, void>((n) => n + 1, 0);
        const [top, scrolled] = useState(0);
        const [sticks, stick] = useState(true);
        const [search, look] = useState("");
        const [only, filter] = useState(false);
        const [error, fail] = useState<Error | null>(null);
        const [done, finish] = useState(false);
        const [at, step] = useState(0);

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

        const all = log.current.lines;
        const matches = useMemo(() => matcher(search), [search]);
        const hits = useMemo(() => {
                if (!matches) return null;
                const found: number[] = [];
                for (let i = 0; i < all.length; i++) if (matches(plain(all[i] ?? ""))) found.push(i);
                return found;
        }, [matches, all, all.length]);
        const shown = only && hits ? hits : null;
        const count = shown ? shown.length : all.length;
        const first = Math.max(0, Math.floor(top / LINE_PX) - AROUND);
        const last = Math.min(count, Math.ceil((top + ROWS_PX) / LINE_PX) + AROUND);

        useEffect(() => {
                const element = box.current;
                if (element && sticks) element.scrollTop = element.scrollHeight;
        }, [count, sticks]);

        const jump = (to: number) => {
                const element = box.current;
                if (!element || !hits?.length) return;
                const place = (to + hits.length) % hits.length;
                step(place);
                stick(false);
                element.scrollTop = Math.max(0, (shown ? place : (hits[place] ?? 0)) * LINE_PX - ROWS_PX / 2);
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
        for (let i = first; i < last; i++) {
                const number = shown ? (shown[i] ?? 0) : i;
                const line = all[number] ?? "";
                rows.push(
                        <div key={number} class={`line ${matches?.(plain(line)) ? "hit" : ""} ${hits && hits[at] === number ? "here" : ""}`}>
                                <span class="number">{number + 1 + log.current.dropped}</span>
                                {runs(line).map((run, n) => (
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
                                {hits && <span class="dim">{t("{n} lines", { n: hits.length })}</span>}
                                <label>
                                        <input type="checkbox" checked={only} onChange={(event) => filter(event.currentTarget.checked)} /> {t("only these")}
                                </label>
                                <label>
                                        <input type="checkbox" checked={sticks} onChange={(event) => stick(event.currentTarget.checked)} /> {t("follow")}
                                </label>
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
                                style={{ height: `${ROWS_PX}px` }}
                                onScroll={(event) => {
                                        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
                                        scrolled(scrollTop);
                                        if (scrollTop + clientHeight < scrollHeight - 2 * LINE_PX) stick(false);
                                        else if (scrollTop + clientHeight >= scrollHeight - 2) stick(true);
                                }}
                        >
                                <div class="all" style={{ height: `${count * LINE_PX}px` }}>
                                        <div class="seen" style={{ top: `${first * LINE_PX}px` }}>
                                                {rows}
                                        </div>
                                </div>
                        </div>
                        <p class="dim">
                                {t("{n} lines", { n: all.length + log.current.dropped })}
                                {log.current.dropped > 0 && ` · ${t("the first {n} are not kept here", { n: log.current.dropped })}`}
                                {done ? ` · ${t("the end")}` : follow && !error ? ` · ${t("waiting for more")}` : ""}
                        </p>
                </div>
        );
}
