/* eslint.config.mjs - what no page of the web interface may do, and what nobody uses. Run by hack/check-web from the folder that holds the
 * sources and this. typescript-eslint needs a TypeScript that programs can load, so it has one of its own. */
import js from "@eslint/js";
import tseslint from "typescript-eslint";

const HTML = "a page never makes HTML, style or code of a string (docs/security.md)";
const properties = ["innerHTML", "outerHTML", "insertAdjacentHTML", "srcdoc", "dangerouslySetInnerHTML", "cssText"];

export default tseslint.config(js.configs.recommended, tseslint.configs.recommended, {
        files: ["src/**/*.{ts,tsx}"],
        linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: "error" },
        rules: {
                "no-undef": "off" /* tsc knows better */,
                "no-control-regex": "off" /* logs hold escape sequences */,
                eqeqeq: "error",
                "no-console": ["error", { allow: ["error"] }],
                "no-eval": "error",
                "no-implied-eval": "error",
                "no-new-func": "error",
                "no-script-url": "error",
                "no-restricted-properties": [
                        "error",
                        ...properties.map((property) => ({ property, message: HTML })),
                        { object: "document", property: "write", message: HTML },
                        { object: "document", property: "writeln", message: HTML },
                        { property: "createContextualFragment", message: HTML },
                ],
                "no-restricted-syntax": [
                        "error",
                        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: HTML },
                        { selector: "JSXAttribute[name.name=/^on[a-z]/]", message: "a handler is a function, with a name such as onClick" },
                        { selector: "CallExpression[callee.property.name='setAttribute'][arguments.0.value=/^(style|on.*|srcdoc)$/]", message: HTML },
                ],
                "@typescript-eslint/no-unused-vars": "error",
                "@typescript-eslint/no-explicit-any": "error",
        },
});
