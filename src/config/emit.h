/* emit: settings back into YAML, for `config dump`. libyaml's emitter decides what must be escaped. */
#ifndef SLUICE_CONFIG_EMIT_H
#define SLUICE_CONFIG_EMIT_H

#include "sluice/bytes.h"
#include <yaml.h>

typedef struct sl_emitter_t {
    yaml_emitter_t yaml;
    bool shows_secrets;     /* to compare two configurations; never for people */
    const char *key_header; /* carries secrets as well; NULL: none is known */
} sl_emitter_t;

/* `emitter` must not move until it is finished. */
void sl_emitter_begin(sl_emitter_t *emitter, sl_text_t *out, bool shows_secrets);
void sl_emitter_finish(sl_emitter_t *emitter);

void sl_emit_map(sl_emitter_t *emitter);
void sl_emit_map_end(sl_emitter_t *emitter);
/* Lists of words stand in one line. */
void sl_emit_list(sl_emitter_t *emitter, bool in_one_line);
void sl_emit_list_end(sl_emitter_t *emitter);
/* A name, number or choice: bare. */
void sl_emit_word(sl_emitter_t *emitter, const char *word);
/* Anything else: quoted, and '$' doubled, so that it is read back as it is. */
void sl_emit_text(sl_emitter_t *emitter, h2o_iovec_t text);
/* Of a template: '$' stays as it is. */
void sl_emit_raw(sl_emitter_t *emitter, h2o_iovec_t text);
/* JSON as YAML: numbers keep their text, strings are quoted, '$' stays as it is. */
void sl_emit_json(sl_emitter_t *emitter, h2o_iovec_t json);
void sl_emit_secret(sl_emitter_t *emitter, h2o_iovec_t text);
/* The value of a header field, masked when its name says that it is a secret. */
void sl_emit_field_value(sl_emitter_t *emitter, h2o_iovec_t name, h2o_iovec_t value);
/* The same of a template, which may stand in clear when it is nothing but a reference. */
void sl_emit_field_template(sl_emitter_t *emitter, h2o_iovec_t name, h2o_iovec_t written);

#endif
