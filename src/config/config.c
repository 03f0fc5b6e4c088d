/* config: snapshots of the configuration: read, counted, bound to the shared segment, compared, printed. */
#include "settings.h"
#include "sluice/digest.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4 * 1024 * 1024, READ_BYTES = 64 * 1024 };

/* Everything that a snapshot points to lies in its pool, except the route table. */
typedef struct snapshot_t {
    sl_config_t config; /* first: the one is the other */
    h2o_mem_pool_t pool;
} snapshot_t;

static snapshot_t *create(void)
{
    snapshot_t *snapshot = h2o_mem_alloc(sizeof(*snapshot));
    memset(snapshot, 0, sizeof(*snapshot));
    h2o_mem_init_pool(&snapshot->pool);
    snapshot->config.references = 1;
    return snapshot;
}

static uint64_t hash(h2o_iovec_t text)
{
    char hex[SL_DIGEST_HEX];
    uint64_t value = 0;
    sl_digest_key(sl_bytes(NULL, 0), text, hex);
    for (size_t i = 0; i < 16; ++i)
        value = value << 4 | (uint64_t)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
    return value;
}

static void build_table(snapshot_t *snapshot)
{
    sl_config_t *config = &snapshot->config;
    const sl_pattern_t **patterns =
        h2o_mem_alloc_pool(&snapshot->pool, (config->route_count + 1) * sizeof(const sl_pattern_t *));
    for (size_t i = 0; i < config->route_count; ++i)
        patterns[i] = &config->routes[i].pattern;
    config->table = sl_route_table_create(patterns, config->route_count);
}

static void read_settings(snapshot_t *snapshot, h2o_iovec_t yaml, sl_report_t *report)
{
    h2o_mem_pool_t scratch;
    h2o_mem_init_pool(&scratch);
    sl_tree_t tree = sl_tree_read(&scratch, yaml, report);
    sl_reader_t reader = {.config = &snapshot->config, .pool = &snapshot->pool, .scratch = &scratch, .report = report};
    if (tree.root != NULL && tree.root->kind == SL_NODE_MAP)
        sl_section_read(&reader, &sl_root_section, tree.root, &snapshot->config);
    else if (tree.root != NULL)
        sl_report_add(report, tree.root->place, "the configuration is a mapping of settings");
    sl_tree_tell(&tree, report);
    h2o_mem_clear_pool(&scratch);
}

sl_config_t *sl_config_read(const char *source, h2o_iovec_t yaml, sl_config_errors_t *errors)
{
    snapshot_t *snapshot = create();
    sl_report_t report = {0};
    read_settings(snapshot, yaml, &report);
    bool is_well = !sl_report_has_errors(&report);
    sl_report_tell(&report, source, errors);
    sl_report_dispose(&report);
    if (!is_well) {
        sl_config_release(&snapshot->config);
        return NULL;
    }
    snapshot->config.text_hash = hash(yaml);
    build_table(snapshot);
    return &snapshot->config;
}

/* --- files --- */

static const char *read_all(int file, sl_text_t *text)
{
    for (;;) {
        ssize_t got = read(file, sl_text_reserve(text, READ_BYTES), READ_BYTES);
        if (got < 0)
            return strerror(errno);
        if (got == 0)
            return NULL;
        text->size += (size_t)got;
        if (text->size > FILE_BYTES_MAX)
            return "larger than 4MiB";
    }
}

static const char *read_path(const char *path, sl_text_t *text)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return strerror(errno);
    const char *error = read_all(file, text);
    close(file);
    return error;
}

sl_config_t *sl_config_read_file(const char *path, sl_text_t *yaml, sl_config_errors_t *errors)
{
    sl_text_t own = {0}, *text = yaml != NULL ? yaml : &own;
    sl_config_t *config = NULL;
    const char *error = read_path(path, text);
    if (error == NULL) {
        config = sl_config_read(path, sl_bytes(text->base, text->size), errors);
    } else {
        sl_text_format(&errors->text, "%s:1:1: cannot be read: %s\n", path, error);
        ++errors->count;
    }
    sl_text_dispose(&own);
    return config;
}

void sl_config_errors_dispose(sl_config_errors_t *errors)
{
    sl_text_dispose(&errors->text);
    sl_text_dispose(&errors->warnings);
    errors->count = errors->warning_count = 0;
}

/* --- life --- */

sl_config_t *sl_config_retain(sl_config_t *config)
{
    ++config->references;
    return config;
}

void sl_config_release(sl_config_t *config)
{
    if (--config->references != 0)
        return;
    snapshot_t *snapshot = H2O_STRUCT_FROM_MEMBER(snapshot_t, config, config);
    if (config->table != NULL)
        sl_route_table_destroy(config->table);
    h2o_mem_clear_pool(&snapshot->pool);
    free(snapshot);
}

/* --- the shared segment --- */

static int slot_of(sl_shared_t *shared, sl_name_kind_t kind, const char *name, bool claim)
{
    return claim ? sl_shared_claim(shared, kind, sl_bytes_of(name)) : sl_shared_find(shared, kind, sl_bytes_of(name));
}

void sl_config_bind(sl_config_t *config, sl_shared_t *shared, bool claim)
{
    for (size_t i = 0; i < config->route_count; ++i)
        config->routes[i].slot = slot_of(shared, SL_NAME_ROUTE, config->routes[i].name, claim);
    for (size_t i = 0; i < config->service_count; ++i) {
        sl_service_t *service = &config->services[i];
        service->slot = slot_of(shared, SL_NAME_SERVICE, service->name, claim);
        for (size_t j = 0; j < service->instance_count; ++j)
            service->instances[j].slot = slot_of(shared, SL_NAME_INSTANCE, service->instances[j].url, claim);
    }
}

const sl_instance_t *sl_config_homeless(const sl_config_t *config)
{
    for (size_t i = 0; i < config->service_count; ++i)
        for (size_t j = 0; j < config->services[i].instance_count; ++j) {
            const sl_instance_t *instance = &config->services[i].instances[j];
            if (instance->literal_len == 0 && instance->slot == 0)
                return instance;
        }
    return NULL;
}

/* --- reload --- */

static void print_setting(const sl_setting_t *setting, const sl_config_t *config, sl_text_t *out)
{
    sl_emitter_t emitter;
    sl_emitter_begin(&emitter, out, true);
    sl_emit_map(&emitter);
    if (sl_setting_is_set(setting, config))
        sl_setting_print(&emitter, setting, config);
    sl_emit_map_end(&emitter);
    sl_emitter_finish(&emitter);
}

/* What is printed alike is alike: the same rows that a reader would compare. */
static bool differs(const sl_setting_t *setting, const sl_config_t *old, const sl_config_t *new)
{
    sl_text_t before = {0}, after = {0};
    print_setting(setting, old, &before);
    print_setting(setting, new, &after);
    bool is_other = !sl_bytes_equal(sl_bytes(before.base, before.size), sl_bytes(after.base, after.size));
    sl_text_dispose(&before);
    sl_text_dispose(&after);
    return is_other;
}

static const char *find_obstacle(const sl_section_t *section, const sl_config_t *old, const sl_config_t *new)
{
    for (size_t i = 0; i < section->count; ++i) {
        const sl_setting_t *setting = &section->settings[i];
        if (setting->change == SL_CHANGE_RESTART && differs(setting, old, new))
            return setting->name;
    }
    return NULL;
}

const char *sl_config_reload_obstacle(const sl_config_t *old, const sl_config_t *new)
{
    return find_obstacle(&sl_root_section, old, new);
}

/* --- dump --- */

void sl_config_dump(const sl_config_t *config, sl_text_t *out)
{
    sl_emitter_t emitter;
    sl_emitter_begin(&emitter, out, false);
    emitter.key_header = config->keys.header;
    sl_section_print(&emitter, &sl_root_section, config);
    sl_emitter_finish(&emitter);
}
