/* http/render_document.h - an object as one would write it into a file of its own.
 *
 * Model    Pure: what was written, by the rows of the schema (spec/schema.h), where hv_render_spec() shows what came of it. Read again it is
 *          the same object, but for what is not shown to anybody: values of variables, texts of inputs, parameters, passwords in URLs.
 *          Those are named, so that nobody takes the document for whole.
 */
#pragma once

struct hv_json_writer;
struct hv_spec_object;

/* {document, withheld} */
void hv_render_document(struct hv_json_writer *w, const char *key, const struct hv_spec_object *object);
