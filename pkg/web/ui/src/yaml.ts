/* yaml.ts - JSON as YAML, to be copied: block style, strings quoted where YAML would read something else. */

/* Words, names of images, and quantities: 500m, 64Mi, 1.5s. */
const PLAIN = /^(?:[A-Za-z_/](?:[\w ./@+-]|:(?=\S))*|\d+(?:\.\d+)?[A-Za-z]{1,2})$/;
const NOT_TEXT = /^(true|false|null|yes|no|on|off|y|n|~)$/i;

function scalar(value: unknown): string {
        if (typeof value !== "string") return JSON.stringify(value);
        return PLAIN.test(value) && !NOT_TEXT.test(value) && !value.endsWith(" ") ? value : JSON.stringify(value);
}

const isEmpty = (value: object) => (Array.isArray(value) ? value.length === 0 : Object.keys(value).length === 0);

export function yaml(value: unknown, indent = ""): string {
        if (value === null || typeof value !== "object") return `${indent}${scalar(value)}\n`;
        if (isEmpty(value)) return `${indent}${Array.isArray(value) ? "[]" : "{}"}\n`;
        if (Array.isArray(value)) return value.map((item) => `${indent}- ${yaml(item, `${indent}  `).trimStart()}`).join("");
        return Object.entries(value)
                .map(([key, item]) => {
                        if (item === null || typeof item !== "object" || isEmpty(item)) return `${indent}${scalar(key)}: ${yaml(item)}`;
                        return `${indent}${scalar(key)}:\n${yaml(item, `${indent}  `)}`;
                })
                .join("");
}
