/* ansi.ts - a line of a log with SGR sequences (ECMA-48, 8.3.117) as runs of text with classes; other sequences are left out. */

export interface Run {
        text: string;
        classes: string;
}

const SEQUENCE = /\u001b(?:\[([0-9;:]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;
const COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

function apply(codes: number[], style: Map<string, string>): void {
        for (let i = 0; i < codes.length; i++) {
                const code = codes[i] ?? 0;
                if (code === 0) style.clear();
                else if (code === 1) style.set("weight", "bold");
                else if (code === 2) style.set("weight", "dim");
                else if (code === 3) style.set("slant", "italic");
                else if (code === 4) style.set("line", "underline");
                else if (code === 22) style.delete("weight");
                else if (code === 23) style.delete("slant");
                else if (code === 24) style.delete("line");
                else if (code >= 30 && code <= 37) style.set("ink", `ink-${COLOURS[code - 30]}`);
                else if (code >= 90 && code <= 97) style.set("ink", `ink-${COLOURS[code - 90]}`);
                else if (code === 39) style.delete("ink");
                else if (code === 38 || code === 48) i += codes[i + 1] === 5 ? 2 : 4; /* 256 and true colours: as plain text */
        }
}

export function runs(line: string): Run[] {
        if (!line.includes("\u001b")) return [{ text: line, classes: "" }];
        const style = new Map<string, string>();
        const out: Run[] = [];
        let at = 0;
        const put = (end: number) => {
                if (end > at) out.push({ text: line.slice(at, end), classes: [...style.values()].join(" ") });
        };
        for (const found of line.matchAll(SEQUENCE)) {
                put(found.index);
                at = found.index + found[0].length;
                if (found[2] === "m") apply((found[1] || "0").split(/[;:]/).map(Number), style);
        }
        put(line.length);
        return out;
}

export const plain = (line: string) => (line.includes("\u001b") ? line.replace(SEQUENCE, "") : line);
