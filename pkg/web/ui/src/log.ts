/* log.ts - the lines of a log, and how wide they are.
 *
 * Model   Lines are kept as text, at most LINES_MAX.
 * Resume  What is followed is asked for with the engine's time of each line. After a cut, a restart of the agent or of the container it is
 *         asked for again from a little before the newest line on, and lines that are here already are left out. Times say which are:
 *         the lines of two streams come almost, not always, in their order.
 * Width   in cells of a font in which all letters are as wide; those of East Asia take two, a tab takes eight.
 */
import { plain, type Run } from "./ansi";

const LINES_MAX = 200_000;
const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) /;
const OVERLAP_MS = 2000;

/* ---- width ---- */

const NARROW = /^[ -~]*$/;
const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const NONE = /\p{Mn}/u;
const TAB = "        ";

function width(text: string): number {
        if (NARROW.test(text)) return text.length;
        let cells = 0;
        for (const letter of text) cells += letter === "\t" ? TAB.length : WIDE.test(letter) ? 2 : NONE.test(letter) ? 0 : 1;
        return cells;
}

/* Those of the line's cells that begin at `from` and before `to`. */
export function piece(line: Run[], from: number, to: number): Run[] {
        const out: Run[] = [];
        let at = 0;
        for (const run of line) {
                let text = "";
                if (NARROW.test(run.text)) {
                        text = run.text.slice(Math.max(0, from - at), Math.max(0, to - at));
                        at += run.text.length;
                } else
                        for (const letter of run.text.replaceAll("\t", TAB)) {
                                if (at >= from && at < to) text += letter;
                                at += width(letter);
                        }
                if (text) out.push({ text, classes: run.classes });
        }
        return out;
}

/* ---- lines ---- */

export class Log {
        lines: string[] = [];
        stamps: string[] = []; /* of each line; "" where the engine told none */
        cells: number[] = []; /* how wide each is */
        dropped = 0;
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
                        this.stamps.splice(0, over);
                        this.cells.splice(0, over);
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
                this.stamps.push(stamp);
                this.cells.push(width(plain(text)));
        }

        newest(): number {
                for (let i = this.stamps.length - 1; i >= 0; i--) if (this.stamps[i]) return Date.parse(this.stamps[i] ?? "");
                return 0;
        }

        /* From where it is to be asked for again; "" for the beginning, and what there was is forgotten: without times nobody knows what is new. */
        resume(): string {
                const newest = this.newest();
                this.#rest = "";
                if (!newest) {
                        this.lines = [];
                        this.dropped = 0;
                        this.stamps = [];
                        this.cells = [];
                        return "";
                }
                this.#known = new Map();
                this.#knownUntil = newest + OVERLAP_MS;
                for (let i = this.lines.length - 1; i >= 0; i--) {
                        const stamp = this.stamps[i] ?? "";
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

/* ---- search ---- */

/* What finds lines: a text in any case, or a /regular expression/; a fault where it is none. */
export function matcher(text: string): { finds: ((line: string) => boolean) | null; fault: string } {
        const regular = /^\/(.+)\/$/.exec(text);
        if (regular) {
                try {
                        const wanted = new RegExp(regular[1] ?? "", "i");
                        return { finds: (line) => wanted.test(line), fault: "" };
                } catch (error) {
                        return { finds: null, fault: (error as Error).message };
                }
        }
        const wanted = text.toLowerCase();
        return { finds: wanted ? (line) => line.toLowerCase().includes(wanted) : null, fault: "" };
}
