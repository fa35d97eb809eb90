/* build.mjs OUT - makes the web interface: one script and one style sheet, digests in their names, written with their
 * gzip forms as a table in C (OUT/generated.c, web/assets.h), and the licenses of what they hold (OUT/licenses.txt).
 *
 * The same sources and packages give the same bytes: no time, no path of this machine.
 */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const out = process.argv[2];
const MAX_GZIP_BYTES = 200 * 1024;

const made = await build({
        entryPoints: { app: "src/main.tsx" },
        bundle: true,
        minify: true,
        format: "esm",
        target: "es2022",
        charset: "utf8",
        jsx: "automatic",
        jsxImportSource: "preact",
        legalComments: "none",
        metafile: true,
        entryNames: "[name]-[hash]",
        outdir: "made",
        write: false,
        logLevel: "warning",
});

function digest(data) {
        return createHash("sha256").update(data).digest("hex").slice(0, 16);
}

const types = { ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8" };
const files = made.outputFiles.map((file) => ({
        path: basename(file.path),
        type: types[file.path.slice(file.path.lastIndexOf("."))],
        data: Buffer.from(file.contents),
}));
const named = (end) => files.find((file) => file.path.endsWith(end)).path;
const page = readFileSync("index.html", "utf8").replace("{{css}}", named(".css")).replace("{{js}}", named(".js"));
files.unshift({ path: "", type: "text/html; charset=utf-8", data: Buffer.from(page) });

let total = 0;
let c = '/* Made by ui/build.mjs; what it means: web/assets.h */\n#include "web/assets.h"\n\n';
const rows = files.map(({ path, type, data }, i) => {
        const zip = gzipSync(data, { level: 9 });
        const bytes = (name, buffer) => {
                c += `static const unsigned char ${name}[] = {\n`;
                for (let at = 0; at < buffer.length; at += 32) {
                        c += `        ${[...buffer.subarray(at, at + 32)].join(",")},\n`;
                }
                c += "};\n";
        };
        zip[9] = 255; /* the system that made it: none */
        total += zip.length;
        bytes(`plain_${i}`, data);
        bytes(`gzip_${i}`, zip);
        const tag = digest(data);
        return `        { "${path}", "${type}", { plain_${i}, sizeof plain_${i}, "${tag}" },\n          { gzip_${i}, sizeof gzip_${i}, "${tag}-gzip" } },\n`;
});
c += `\nconst struct hv_web_asset hv_web_assets[] = {\n${rows.join("")}};\nconst size_t hv_web_n_assets = ${rows.length};\n`;
if (total > MAX_GZIP_BYTES) {
        console.error(`the web interface is ${total} bytes with gzip, and may be ${MAX_GZIP_BYTES}`);
        process.exit(1);
}

/* Whoever is in the bundle is in the list, with the text of its license. */
const packages = new Set();
for (const input of Object.keys(made.metafile.inputs)) {
        const found = input.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
        if (found) packages.add(found[1]);
}
let licenses = "";
for (const name of [...packages].sort()) {
        const folder = join("node_modules", name);
        const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
        const text = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
        licenses += `${name} ${version} (${license})\n\n${text ? readFileSync(join(folder, text), "utf8").trim() : ""}\n\n\n`;
}
writeFileSync(join(out, "generated.c"), c);
writeFileSync(join(out, "licenses.txt"), licenses);
console.log(`web interface: ${total} bytes with gzip, ${[...packages].sort().join(", ")}`);
