/*
 * settings: what one row of the table says, and what a type can do with it.
 *
 * A section is a group of rows that fill one struct; the root is a section, so is a service or a route. A row names its
 * type, the place of its field in that struct, the default and range as they would be written in the file. section.c
 * walks sections in all three directions: file to struct, struct to file, rows to JSON Schema. Nothing else in this
 * room knows the name of a setting, except where an error explains how two settings fit together.
 */
#ifndef SLUICE_CONFIG_SETTINGS_H
#define SLUICE_CONFIG_SETTINGS_H

#include "emit.h"
#include "report.h"
#include "tree.h"

typedef struct sl_setting_t sl_setting_t;
typedef struct sl_section_t sl_section_t;

/* What a template may refer to besides `request` and `caller`, and what those read so far did refer to. Bit i stands
 * for call i in the order of the file. */
enum { SL_CALLS_MAX = 64 };
typedef struct sl_scope_t {
    h2o_iovec_t path;       /* of the route; len 0: none that is well */
    const sl_node_t *calls; /* the mapping; NULL: the route has none */
    bool has_item;          /* inside a call with for_each: `item` and `index` too */
    uint64_t seen;          /* since it was last set to 0 */
    uint64_t units;         /* what one request to the route costs with all its calls */
    bool sees_fields;       /* something refers to the header fields of a call's answer */
    sl_place_t body_use;    /* of the first reference to the body of the request; line 0: none */
} sl_scope_t;

/* What reading one file goes along with. Rows are read in the order of the table, so a later one may look at what
 * earlier ones left in `config`. */
typedef struct sl_reader_t {
    sl_config_t *config;
    h2o_mem_pool_t *pool;    /* lives as long as the snapshot */
    h2o_mem_pool_t *scratch; /* lives as long as the tree */
    sl_report_t *report;
    sl_scope_t scope;        /* of the route that is being read */
    h2o_iovec_t health_path; /* len 0: off */
    sl_place_t health_place;
} sl_reader_t;

typedef struct sl_type_t {
    const char
        *noun; /* "a duration such as 30s": what errors say was expected; NULL: one of the words in the row's range */
    const char *schema; /* members of its JSON Schema; NULL: put_schema writes them */
    bool is_list;       /* its range counts elements */
    bool is_raw;        /* a template: variables are not put in, and null is a value like any other */
    void (*read)(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target);
    void (*print)(sl_emitter_t *emitter, const sl_setting_t *setting,
                  const void *target);                               /* NULL: another row prints it */
    bool (*is_set)(const sl_setting_t *setting, const void *target); /* NULL: always */
    void (*put_schema)(sl_text_t *out, const sl_setting_t *setting);
    /* numbers */
    bool (*parse)(h2o_iovec_t text, uint64_t *value);
    size_t (*format)(char *text, uint64_t value); /* at most 32 bytes */
    /* lists of equal elements */
    size_t item_size;
    bool (*read_item)(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *item, void *slot);
    void (*print_item)(sl_emitter_t *emitter, const void *slot);
} sl_type_t;

typedef enum { SL_CHANGE_LIVE, SL_CHANGE_RESTART } sl_change_t;

struct sl_setting_t {
    const char *name;
    const sl_type_t *type;
    size_t offset;       /* of its field in the section's struct */
    const char *initial; /* NULL: none, or worked out from others as `meaning` tells */
    const char *range;   /* "1..64", "json|text|off"; NULL: the type says it all */
    sl_change_t change;  /* does a reload apply it? */
    const char *meaning;
    size_t beside;               /* offset of the field that belongs to it: a list's count, a section's switch */
    size_t written;              /* of templates: offset of the h2o_iovec_t that keeps what they were made from */
    size_t via;                  /* offset of a pointer to the struct that `offset` means; with `needs` */
    const char *needs;           /* the setting that makes that struct; NULL: `offset` means the section's own */
    size_t made_size;            /* a nested mapping whose struct is made when it is written: its size */
    const sl_section_t *section; /* of a nested mapping, or of each element */
    const char *(*check)(h2o_iovec_t text); /* of texts: NULL for well, else "takes ..." */
    bool (*is_set)(const void *target);     /* goes before the type's */
    bool is_required, is_secret;
    bool is_optional; /* a nested mapping that leaves its struct alone when it is absent, instead of filling in defaults
                       */
    bool has_switch;  /* a nested mapping that may be "off" */
};

struct sl_section_t {
    const char *title; /* in errors: "a service" */
    const sl_setting_t *settings;
    size_t count;
    const char *scalar; /* the setting that is meant by a bare value in place of the mapping; NULL: none */
    const char *schema; /* more members of its JSON Schema; NULL: none */
    bool inherits;      /* absent rows keep what `begin` put there; their defaults are somebody else's */
    void (*begin)(sl_reader_t *reader, void *target);
    void (*finish)(sl_reader_t *reader, const sl_node_t *node, void *target);
};

extern const sl_section_t sl_root_section;

/* --- section.c --- */

void sl_section_read(sl_reader_t *reader, const sl_section_t *section, const sl_node_t *node, void *target);
void sl_section_print(sl_emitter_t *emitter, const sl_section_t *section, const void *target);
void sl_setting_print(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target);
bool sl_setting_is_set(const sl_setting_t *setting, const void *target);

/* "'workers' takes a whole number from 0 to 128, not 'many'" */
void sl_reject(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node);
/* The same with other words after the name: "takes an absolute path". */
void sl_reject_because(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, const char *why);
/* "a whole number from 0 to 128" */
void sl_put_expected(sl_text_t *out, const sl_setting_t *setting);
/* A value as messages repeat it: not too long, and without a URL's user and password. */
void sl_put_shown(sl_text_t *out, const sl_setting_t *setting, h2o_iovec_t text);
/* A scalar with something in it; everything else is reported. */
bool sl_take_scalar(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node);

/* --- lists.c --- */

/* A list, or one scalar whose parts stand apart by blanks or commas. Elements are scalars, none stands there twice; or
 * mappings, when the row has a section. Wrong elements are reported and left out, so that they hide no mistake in the
 * others; false when the list itself was wrong. */
typedef struct sl_items_t {
    const sl_node_t **nodes;
    size_t count;
} sl_items_t;
bool sl_take_items(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, sl_items_t *items);

/* read, print and is_set of lists whose row names the array (offset) and its count (beside). */
void sl_list_read(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target);
void sl_list_print(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target);
bool sl_list_is_set(const sl_setting_t *setting, const void *target);

#define SL_LIST_SCHEMA                                                                                                 \
    "\"anyOf\":[{\"type\":\"string\"},{\"type\":\"integer\"},{\"type\":\"array\",\"items\":{\"type\":[\"string\","     \
    "\"integer\"]}}]"
#define SL_LIST_TYPE(noun_, item, read_item_, print_item_)                                                             \
    {                                                                                                                  \
        .noun = noun_, .schema = SL_LIST_SCHEMA, .is_list = true, .read = sl_list_read, .print = sl_list_print,        \
        .is_set = sl_list_is_set, .item_size = sizeof(item), .read_item = read_item_, .print_item = print_item_        \
    }

/* --- schema.c --- */

/* The members of a JSON Schema that describe a mapping, or the value of one setting. */
void sl_schema_section(sl_text_t *out, const sl_section_t *section);
void sl_schema_value(sl_text_t *out, const sl_setting_t *setting);
/* What a value may be besides its own form: a reference to the environment. */
#define SL_SCHEMA_ENVIRONMENT "{\"type\":\"string\",\"pattern\":\"\\\\$\\\\{\"}"

/* --- types --- */

extern const sl_type_t sl_type_count, sl_type_duration, sl_type_size, sl_type_share, sl_type_rate,
    sl_type_status;                                                                        /* numbers.c */
extern const sl_type_t sl_type_flag, sl_type_choice, sl_type_side;                         /* numbers.c */
extern const sl_type_t sl_type_text, sl_type_bytes, sl_type_text_file, sl_type_bytes_file; /* texts.c */
extern const sl_type_t sl_type_section, sl_type_made;                                      /* section.c */
extern const sl_type_t sl_type_listens, sl_type_address, sl_type_ops, sl_type_blocks;      /* listens.c */
extern const sl_type_t sl_type_certificates;                                               /* certificates.c */
extern const sl_type_t sl_type_redis_url;                                                  /* redis_url.c */
extern const sl_type_t sl_type_instances;                                                  /* instances.c */
extern const sl_type_t sl_type_services, sl_type_service;                                  /* services.c */
extern const sl_type_t sl_type_statuses, sl_type_errors;                                   /* outcomes.c */
extern const sl_type_t sl_type_path, sl_type_path_prefix, sl_type_hosts, sl_type_methods,
    sl_type_health;                                                                      /* patterns.c */
extern const sl_type_t sl_type_conditions, sl_type_header_operations;                    /* headers.c */
extern const sl_type_t sl_type_header_remove, sl_type_header_set, sl_type_header_append; /* headers.c */
extern const sl_type_t sl_type_host_header, sl_type_scopes;                              /* headers.c */
extern const sl_type_t sl_type_routes;                                                   /* routes.c */
extern const sl_type_t sl_type_template, sl_type_reference, sl_type_json, sl_type_call_path,
    sl_type_parameters;                                                        /* templates.c */
extern const sl_type_t sl_type_calls;                                          /* calls.c */
extern const sl_type_t sl_type_shapes, sl_type_host, sl_type_header_condition; /* shapes.c */
extern const sl_type_t sl_type_edits, sl_type_select, sl_type_drop, sl_type_rename, sl_type_flatten,
    sl_type_limit;                                                           /* edits.c, edit_words.c */
extern const sl_type_t sl_type_parameter_names, sl_type_parameter_renames;   /* transforms.c */
extern const sl_type_t sl_type_versions, sl_type_version, sl_type_brownouts; /* versions.c */
extern const sl_type_t sl_type_date;                                         /* dates.c */

/* --- checks of texts (texts.c, headers.c) --- */

const char *sl_check_token(h2o_iovec_t text);
const char *sl_check_field_name(h2o_iovec_t text);
const char *sl_check_field_value(h2o_iovec_t text);
const char *sl_check_name(h2o_iovec_t text);
const char *sl_check_prefix(h2o_iovec_t text);
const char *sl_check_route_name(h2o_iovec_t text);
const char *sl_check_realm(h2o_iovec_t text);
const char *sl_check_url_reference(h2o_iovec_t text);
const char *sl_check_absolute_path(h2o_iovec_t text);
const char *sl_check_output(h2o_iovec_t text);
const char *sl_check_ciphers(h2o_iovec_t text); /* ciphers.c */

/* --- hooks of sections: how settings fit together --- */

void sl_finish_redis(sl_reader_t *reader, const sl_node_t *node, void *target);       /* redis_url.c */
void sl_begin_breaker(sl_reader_t *reader, void *target);                             /* outcomes.c */
void sl_finish_breaker(sl_reader_t *reader, const sl_node_t *node, void *target);     /* outcomes.c */
void sl_finish_service(sl_reader_t *reader, const sl_node_t *node, void *target);     /* services.c */
void sl_finish_certificate(sl_reader_t *reader, const sl_node_t *node, void *target); /* certificates.c */
void sl_finish_tls(sl_reader_t *reader, const sl_node_t *node, void *target);         /* certificates.c */
void sl_finish_listen(sl_reader_t *reader, const sl_node_t *node, void *target);      /* listens.c */
void sl_begin_route(sl_reader_t *reader, void *target);                               /* routes.c */
void sl_begin_call(sl_reader_t *reader, void *target);                                /* calls.c */
void sl_finish_call(sl_reader_t *reader, const sl_node_t *node, void *target);
bool sl_call_is_for_each(const void *target);
bool sl_shape_has_hint(const void *target);
bool sl_transform_has_query(const void *target);                                  /* transforms.c */
bool sl_route_is_proxied(const void *target);                                     /* routes.c */
void sl_finish_shape(sl_reader_t *reader, const sl_node_t *node, void *target);   /* shapes.c */
void sl_finish_version(sl_reader_t *reader, const sl_node_t *node, void *target); /* versions.c */
void sl_finish_versions(sl_reader_t *reader, const sl_node_t *node, void *target);
void sl_finish_route(sl_reader_t *reader, const sl_node_t *node, void *target);
void sl_finish_limits(sl_reader_t *reader, const sl_node_t *node, void *target); /* meant.c */
void sl_finish_root(sl_reader_t *reader, const sl_node_t *node, void *target);
bool sl_fallback_is_set(const void *target);
bool sl_fallback_is_answer(const void *target);
void sl_finish_fallback(sl_reader_t *reader, const sl_node_t *node, void *target);

/* --- small tools --- */

/* Stands in a duration or size that is not known before all rows of its section are read; no range admits it. */
#define SL_UNSET UINT64_MAX

/* The struct in which a row has its fields; NULL when it has not been made. */
static inline void *sl_home(const sl_setting_t *setting, const void *target)
{
    void *made = (void *)(uintptr_t)target;
    if (setting->needs != NULL)
        memcpy(&made, (const char *)target + setting->via, sizeof(made));
    return made;
}

static inline void *sl_field(const sl_setting_t *setting, void *target)
{
    return (char *)sl_home(setting, target) + setting->offset;
}

static inline const void *sl_field_const(const sl_setting_t *setting, const void *target)
{
    return (const char *)sl_home(setting, target) + setting->offset;
}

static inline size_t *sl_count_field(const sl_setting_t *setting, const void *target)
{
    return (size_t *)((char *)sl_home(setting, target) + setting->beside);
}

static inline h2o_iovec_t *sl_written_field(const sl_setting_t *setting, const void *target)
{
    return (h2o_iovec_t *)((char *)sl_home(setting, target) + setting->written);
}

/* Zero-terminated, in the snapshot. */
static inline h2o_iovec_t sl_keep(sl_reader_t *reader, h2o_iovec_t text)
{
    return h2o_strdup(reader->pool, text.base, text.len);
}

static inline void *sl_keep_zeroed(sl_reader_t *reader, size_t size)
{
    void *memory = h2o_mem_alloc_pool(reader->pool, size + 1);
    memset(memory, 0, size + 1);
    return memory;
}

#endif
