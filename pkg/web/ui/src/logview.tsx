/* logview.tsx - a log as it comes: follow, search, colours, download.
 *
 * Model   Lines are kept as text, at most LINES_MAX; only those that are seen have elements. All have one height, so what is seen follows
 *         from where one has scrolled to, and 100,000 lines cost no more than 50. Text that comes in is taken over once a frame.
 */
import { useEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import { ask } from "./api";
import { plain, runs } from "./ansi";
import { t } from "./i18n";
import { Fault, Icon } from "./parts";

const LINES_MAX = 200_000;
const LINE_PX = 18;
const ROWS_PX = 360;
const AROUND = 10;

class Log {
        lines: string[] = [];
        dropped = 0;
        #rest = "";

        add(text: string): void {
                const parts = (this.#rest + text).split("\n");
                this.#rest = parts.pop() ?? "";
                for (const part of parts) this.lines.push(part.endsWith("\r") ? part.slice(0, -1) : part);
                const over = this.lines.length - LINES_MAX;
                if (over > LINES_MAX / 10) {
                        this.lines.splice(0, over);
                        this.dropped += over;
                }
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
                const read = async () => {
                        try {
                                const response = await ask(`${path}${path.includes("?") ? "&" : "?"}tail=100000${follow ? "&follow=1" : ""}`, { signal: ended.signal });
                                const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
                                while (reader) {
                                        const { done: isOver, value } = await reader.read();
                                        if (isOver) break;
                                        log.current.add(value);
                                        if (!frame)
                                                frame = requestAnimationFrame(() => {
                                                        frame = 0;
                                                        draw();
                                                });
                                }
                                log.current.end();
                                finish(true);
                        } catch (fault) {
                                if (!ended.signal.aborted) fail(fault as Error);
                        }
                };
                void read();
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
                        <Fault error={error} />
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
