/*
 * tls_names: which certificates serve a name. An exact name goes before a wildcard, which stands for one label (RFC
 * 6125 §6.4.3); of each type of key the first certificate of the list that has the name is taken, so that an ECDSA and
 * an RSA certificate stand side by side and OpenSSL picks by what the client can do.
 */
#include "tls.h"
#include <openssl/ssl.h>
#include <stdlib.h>

#define NAME_BYTES_MAX 255

/* --- sets --- */

static bool has_key_type(const sl_tls_set_t *set, const sl_certificate_t *certificate)
{
    for (size_t i = 0; i != set->count; ++i)
        if (set->certificates[i]->key_type == certificate->key_type)
            return true;
    return false;
}

static void add_certificate(sl_tls_set_t *set, const sl_certificate_t *certificate)
{
    if (set->count != SL_TLS_KEY_TYPES && !has_key_type(set, certificate))
        set->certificates[set->count++] = certificate;
}

static bool has_name(const sl_certificate_t *certificate, const char *name)
{
    for (size_t i = 0; i != certificate->name_count; ++i)
        if (strcmp(certificate->names[i], name) == 0)
            return true;
    return false;
}

/* "*.example" of "a.example"; "" when it has no label to give away. */
static void make_wildcard(const char *name, char wildcard[NAME_BYTES_MAX + 2])
{
    const char *dot = strchr(name, '.');
    wildcard[0] = '\0';
    if (dot == NULL || dot == name || strlen(dot) > NAME_BYTES_MAX)
        return;
    wildcard[0] = '*';
    strcpy(wildcard + 1, dot);
}

static void add_all_with_name(sl_tls_set_t *set, const sl_tls_settings_t *settings, const char *name)
{
    for (size_t i = 0; i != settings->certificate_count; ++i)
        if (has_name(&settings->certificates[i], name))
            add_certificate(set, &settings->certificates[i]);
}

static sl_tls_set_t gather(const sl_tls_settings_t *settings, const char *name)
{
    sl_tls_set_t set = {.count = 0};
    char wildcard[NAME_BYTES_MAX + 2];
    add_all_with_name(&set, settings, name);
    make_wildcard(name, wildcard);
    add_all_with_name(&set, settings, wildcard);
    return set;
}

/* Index of a set with the same certificates, which is made when there is none. */
static size_t enter_set(sl_tls_t *tls, const sl_tls_set_t *set)
{
    for (size_t i = 0; i != tls->set_count; ++i)
        if (tls->sets[i].count == set->count &&
            memcmp(tls->sets[i].certificates, set->certificates, sizeof set->certificates) == 0)
            return i;
    tls->sets = h2o_mem_realloc(tls->sets, (tls->set_count + 1) * sizeof tls->sets[0]);
    tls->sets[tls->set_count] = *set;
    return tls->set_count++;
}

/* The first certificate, with those that stand beside it under its first name. */
static void enter_default(sl_tls_t *tls)
{
    const sl_tls_settings_t *settings = &tls->listen->tls;
    const sl_certificate_t *first = &settings->certificates[0];
    sl_tls_set_t set = {.certificates = {first}, .count = 1};
    if (first->name_count != 0) {
        sl_tls_set_t beside = gather(settings, first->names[0]);
        for (size_t i = 0; i != beside.count; ++i)
            add_certificate(&set, beside.certificates[i]);
    }
    enter_set(tls, &set);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(((const sl_tls_name_t *)left)->name, ((const sl_tls_name_t *)right)->name);
}

void sl_tls_make_sets(sl_tls_t *tls)
{
    const sl_tls_settings_t *settings = &tls->listen->tls;
    size_t room = 0;
    for (size_t i = 0; i != settings->certificate_count; ++i)
        room += settings->certificates[i].name_count;
    tls->names = h2o_mem_alloc((room + 1) * sizeof tls->names[0]);
    enter_default(tls);
    for (size_t i = 0; i != settings->certificate_count; ++i)
        for (size_t j = 0; j != settings->certificates[i].name_count; ++j) {
            const char *name = settings->certificates[i].names[j];
            sl_tls_set_t set = gather(settings, name);
            tls->names[tls->name_count++] = (sl_tls_name_t){name, enter_set(tls, &set)};
        }
    qsort(tls->names, tls->name_count, sizeof tls->names[0], compare_names);
}

/* --- the name that a client asks for --- */

static const sl_tls_set_t *find_exactly(const sl_tls_t *tls, const char *name)
{
    const sl_tls_name_t wanted = {.name = name};
    const sl_tls_name_t *found = bsearch(&wanted, tls->names, tls->name_count, sizeof tls->names[0], compare_names);
    return found != NULL ? &tls->sets[found->set] : NULL;
}

const sl_tls_set_t *sl_tls_find_set(const sl_tls_t *tls, h2o_iovec_t name)
{
    char lower[NAME_BYTES_MAX + 1], wildcard[NAME_BYTES_MAX + 2];
    if (name.len != 0 && name.base[name.len - 1] == '.')
        --name.len;
    if (name.len == 0 || name.len > NAME_BYTES_MAX || memchr(name.base, 0, name.len) != NULL || name.base[0] == '*')
        return &tls->sets[0];
    memcpy(lower, name.base, name.len);
    lower[name.len] = '\0';
    h2o_strtolower(lower, name.len);

    const sl_tls_set_t *set = find_exactly(tls, lower);
    if (set == NULL) {
        make_wildcard(lower, wildcard);
        set = find_exactly(tls, wildcard);
    }
    return set != NULL ? set : &tls->sets[0];
}

/* The host_name of a server_name extension (RFC 6066 §3); len 0 when there is none. OpenSSL itself judges its form. */
static h2o_iovec_t read_name(SSL *ssl)
{
    const unsigned char *bytes;
    size_t len;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &len) != 1 || len < 5 || bytes[2] != 0)
        return sl_bytes(NULL, 0);
    size_t name_len = (size_t)bytes[3] << 8 | bytes[4];
    return name_len <= len - 5 ? sl_bytes((const char *)bytes + 5, name_len) : sl_bytes(NULL, 0);
}

static int on_client_hello(SSL *ssl, int *alert, void *tls)
{
    (void)alert;
    SSL_set_SSL_CTX(ssl, sl_tls_find_set(tls, read_name(ssl))->context);
    return SSL_CLIENT_HELLO_SUCCESS;
}

void sl_tls_choose_by_name(SSL_CTX *context, sl_tls_t *tls)
{
    SSL_CTX_set_client_hello_cb(context, on_client_hello, tls);
}
