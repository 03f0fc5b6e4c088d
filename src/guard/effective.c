/*
 * effective: does the guard really stand where it means to stand?
 *
 * For each function that ours stands before: the library must call it by way of the dynamic linker (it has a relocation
 * with that name), what the linker has put there must be ours, and the library's own must be found behind it. Layouts
 * come from the headers of one version, so version and name of the library must be that one's.
 */
#include "library.h"
#include "sluice/guard.h"
#include "sluice/log.h"
#include <elf.h>
#include <h2o/http1.h>
#include <link.h>
#include <stdio.h>

_Static_assert(H2O_LIBRARY_VERSION_MAJOR == 0 && H2O_LIBRARY_VERSION_MINOR == 13 && H2O_LIBRARY_VERSION_PATCH == 5,
               "the guard was written for libh2o-evloop 2.2.5 (0.13.5) and reaches into its structures");

#define LIBRARY_NAME "libh2o-evloop.so.0.13"

typedef struct post_t {
    const char *name;
    void *ours;
    bool is_for_http1;
} post_t;

static const post_t posts[] = {
#define X(function, is_for_http1)                                                                                      \
    {                                                                                                                  \
#function, (void *)(function), is_for_http1                                                                    \
    }
    X(phr_parse_request, true),
    X(phr_decode_chunked, true),
    X(h2o_socket_read_start, true),
    X(h2o_http1_accept, true),
    X(h2o_strtosize, false),
    X(h2o_hpack_parse_headers, false),
    X(h2o_http2_accept, false),
    X(h2o_http2_decode_frame, false),
    X(h2o_http2_stream_close, false),
    X(h2o_http2_stream_send_pending_data, false),
    X(h2o_http2_stream_reset, false),
    X(h2o_http2_update_peer_settings, false),
    X(h2o_http2_encode_goaway_frame, false),
#undef X
};

typedef struct image_t { /* the library in memory */
    const char *base;
    const ElfW(Sym) * symbols;
    const char *names;
    const ElfW(Rela) * tables[2]; /* jump slots, and the rest */
    size_t bytes[2];
} image_t;

static bool read_image(image_t *image)
{
    struct link_map *map = NULL;
    Dl_info info;

    if (dladdr1((void *)h2o_config_init, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || map == NULL ||
        strstr(map->l_name, LIBRARY_NAME) == NULL)
        return false;
    *image = (image_t){.base = (const char *)map->l_addr};
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; ++entry) {
        const void *address = (const void *)entry->d_un.d_ptr;
        switch (entry->d_tag) {
        case DT_SYMTAB:
            image->symbols = address;
            break;
        case DT_STRTAB:
            image->names = address;
            break;
        case DT_JMPREL:
            image->tables[0] = address;
            break;
        case DT_PLTRELSZ:
            image->bytes[0] = entry->d_un.d_val;
            break;
        case DT_RELA:
            image->tables[1] = address;
            break;
        case DT_RELASZ:
            image->bytes[1] = entry->d_un.d_val;
            break;
        default:
            break;
        }
    }
    return image->symbols != NULL && image->names != NULL;
}

/* Where the library looks up the function it calls by this name; NULL when it calls it directly. */
static void *const *find_slot(const image_t *image, const char *name)
{
    for (size_t table = 0; table != 2; ++table)
        for (size_t i = 0; image->tables[table] != NULL && i != image->bytes[table] / sizeof(ElfW(Rela)); ++i) {
            const ElfW(Rela) *row = &image->tables[table][i];
            const ElfW(Sym) *symbol = &image->symbols[ELF64_R_SYM(row->r_info)];
            if (strcmp(image->names + symbol->st_name, name) == 0)
                return (void *const *)(const void *)(image->base + row->r_offset);
        }
    return NULL;
}

static const char *find_obstacle(bool for_http1)
{
    static char text[160];
    image_t image;

    if (!read_image(&image))
        return "the library is not " LIBRARY_NAME;
    for (size_t i = 0; i != sizeof(posts) / sizeof(posts[0]); ++i) {
        if (posts[i].is_for_http1 != for_http1)
            continue;
        void *const *slot = find_slot(&image, posts[i].name);
        void *behind = dlsym(RTLD_NEXT, posts[i].name);
        if (slot == NULL || *slot != posts[i].ours || behind == NULL || behind == posts[i].ours) {
            snprintf(text, sizeof(text), "the library does not come to our %s", posts[i].name);
            return text;
        }
    }
    return NULL;
}

/* The one check by deed that costs nothing: a window that no client may grant comes back smaller. */
static bool clamps_windows(void)
{
    static const uint8_t largest_window[] = {0, 4, 0x7f, 0xff, 0xff, 0xff};
    h2o_http2_settings_t settings = H2O_HTTP2_SETTINGS_DEFAULT;
    const char *error = NULL;

    return h2o_http2_update_peer_settings(&settings, largest_window, sizeof(largest_window), &error) == 0 &&
           settings.initial_window_size == 1u << 30;
}

const char *sl_guard_http1_obstacle(void)
{
    return find_obstacle(true);
}

const char *sl_guard_http2_obstacle(void)
{
    const char *obstacle = find_obstacle(true);

    if (obstacle == NULL)
        obstacle = find_obstacle(false);
    if (obstacle == NULL && !clamps_windows())
        obstacle = "windows are not held to their bound";
    return obstacle;
}

bool sl_guard_http2_is_effective(void)
{
    static int known; /* 0: not yet, 1: yes, -1: no */

    if (known == 0)
        known = sl_guard_http2_obstacle() == NULL ? 1 : -1;
    return known == 1;
}

void sl_guard_prepare(void)
{
    /* Else Host is thrown away before it can be compared with ":authority". The table is writable data by design of
     * the library. */
    ((h2o_token_t *)H2O_TOKEN_HOST)->http2_should_reject = 0;
}
