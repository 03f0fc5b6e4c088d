/*
 * certificates: the files of tls, read into the snapshot and held against each other. Whatever OpenSSL would refuse
 * when a worker builds its contexts is refused here, with the file's name and the reason, so that a reload that gets
 * through this file cannot fail later.
 *
 * OpenSSL keeps errors in a queue of the thread; one left there would be taken for an error of the next connection, so
 * every way out empties it.
 */
#include "file.h"
#include "settings.h"
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <time.h>

enum { FILE_BYTES_MAX = 1024 * 1024 };

/* --- objects of OpenSSL in the pool: they end with it --- */

typedef struct kept_t {
    STACK_OF(X509) * certificates;
    STACK_OF(X509) * chain; /* the same without the first */
    EVP_PKEY *key;
} kept_t;

static void free_kept(void *memory)
{
    kept_t *kept = memory;
    sk_X509_free(kept->chain);
    sk_X509_pop_free(kept->certificates, X509_free);
    EVP_PKEY_free(kept->key);
}

static kept_t *keep(sl_reader_t *reader)
{
    kept_t *kept = h2o_mem_alloc_shared(reader->pool, sizeof(*kept), free_kept);
    *kept = (kept_t){0};
    return kept;
}

/* --- files --- */

static void complain(sl_reader_t *reader, const sl_node_t *map, const char *setting, const char *path, const char *why)
{
    sl_report_add(reader->report, sl_node_find(map, setting)->place, "'%s' cannot be used from '%s': %s", setting, path,
                  why);
    ERR_clear_error();
}

static const char *openssl_reason(const char *otherwise)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    return reason != NULL ? reason : otherwise;
}

/* base NULL when it was reported; the bytes are of the heap. */
static h2o_iovec_t take_file(sl_reader_t *reader, const sl_node_t *map, const char *setting, const char *path)
{
    h2o_iovec_t bytes = {h2o_mem_alloc(FILE_BYTES_MAX + 1), 0};
    const char *error = sl_file_read(path, bytes.base, FILE_BYTES_MAX, &bytes.len);
    if (error == NULL)
        return bytes;
    complain(reader, map, setting, path, error);
    OPENSSL_clear_free(bytes.base, FILE_BYTES_MAX + 1);
    return sl_bytes(NULL, 0);
}

/* Everything before and between the certificates is skipped, as all readers of PEM do. NULL with a reason. */
static STACK_OF(X509) * parse_certificates(h2o_iovec_t pem, const char **why)
{
    BIO *bio = BIO_new_mem_buf(pem.base, (int)pem.len);
    STACK_OF(X509) *all = sk_X509_new_null();
    for (X509 *one; (one = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL;)
        sk_X509_push(all, one);
    BIO_free(bio);
    bool is_at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    *why = !is_at_end ? openssl_reason("not PEM") : sk_X509_num(all) == 0 ? "there is no certificate in it" : NULL;
    ERR_clear_error();
    if (*why == NULL)
        return all;
    sk_X509_pop_free(all, X509_free);
    return NULL;
}

static STACK_OF(X509) *
    read_certificates(sl_reader_t *reader, const sl_node_t *map, const char *setting, const char *path)
{
    const char *why;
    h2o_iovec_t pem = take_file(reader, map, setting, path);
    if (pem.base == NULL)
        return NULL;
    STACK_OF(X509) *all = parse_certificates(pem, &why);
    free(pem.base);
    if (all == NULL)
        complain(reader, map, setting, path, why);
    return all;
}

/* Without it OpenSSL would ask the terminal. */
static int refuse_passphrase(char *buffer, int size, int is_writing, void *data)
{
    (void)buffer, (void)size, (void)is_writing, (void)data;
    return -1;
}

static EVP_PKEY *read_key(sl_reader_t *reader, const sl_node_t *map, const char *path)
{
    h2o_iovec_t pem = take_file(reader, map, "key", path);
    if (pem.base == NULL)
        return NULL;
    BIO *bio = BIO_new_mem_buf(pem.base, (int)pem.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, refuse_passphrase, NULL);
    BIO_free(bio);
    OPENSSL_clear_free(pem.base, FILE_BYTES_MAX + 1);
    if (key == NULL)
        complain(reader, map, "key", path, "there is no private key in it, or it is locked by a passphrase");
    return key;
}

/* --- what a certificate says --- */

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm parts;
    return time != NULL && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

/* Names with odd bytes, NUL before all, are not names that a client could ask for. */
static bool is_name(h2o_iovec_t name)
{
    for (size_t i = 0; i < name.len; ++i)
        if (name.base[i] <= ' ' || name.base[i] == 0x7f || (unsigned char)name.base[i] >= 0x80)
            return false;
    return name.len != 0 && name.len < 256;
}

static void note_names(sl_reader_t *reader, sl_certificate_t *certificate)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(certificate->leaf, NID_subject_alt_name, NULL, NULL);
    int count = all != NULL ? sk_GENERAL_NAME_num(all) : 0;
    certificate->names = sl_keep_zeroed(reader, (size_t)count * sizeof(char *));
    for (int i = 0; i < count; ++i) {
        const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, i);
        if (one->type != GEN_DNS)
            continue;
        h2o_iovec_t name =
            sl_bytes((const char *)ASN1_STRING_get0_data(one->d.dNSName), (size_t)ASN1_STRING_length(one->d.dNSName));
        if (!is_name(name))
            continue;
        name = sl_keep(reader, name);
        h2o_strtolower(name.base, name.len);
        certificate->names[certificate->name_count++] = name.base;
    }
    GENERAL_NAMES_free(all);
    ERR_clear_error();
}

/* --- do they fit together? --- */

static bool check_chain(sl_reader_t *reader, const sl_node_t *map, const sl_certificate_t *certificate)
{
    X509 *below = certificate->leaf;
    for (int i = 0; i < sk_X509_num(certificate->chain); ++i) {
        X509 *issuer = sk_X509_value(certificate->chain, i);
        if (X509_check_issued(issuer, below) != X509_V_OK) {
            char why[96];
            snprintf(why, sizeof(why), "certificate %d in it was not issued by the one that follows", i + 1);
            complain(reader, map, "cert", certificate->cert_path, why);
            return false;
        }
        below = issuer;
    }
    return true;
}

/* Key sizes and digests that this build of OpenSSL refuses show only when they are used. */
static bool check_use(sl_reader_t *reader, const sl_node_t *map, const sl_certificate_t *certificate)
{
    SSL_CTX *scratch = SSL_CTX_new(TLS_server_method());
    bool is_well = SSL_CTX_use_cert_and_key(scratch, certificate->leaf, certificate->key, certificate->chain, 1) == 1;
    if (!is_well)
        complain(reader, map, "cert", certificate->cert_path, openssl_reason("OpenSSL refuses it"));
    SSL_CTX_free(scratch);
    return is_well;
}

static bool check_pair(sl_reader_t *reader, const sl_node_t *map, const sl_certificate_t *certificate)
{
    sl_text_t why = {0};
    if (X509_check_private_key(certificate->leaf, certificate->key) == 1)
        return check_chain(reader, map, certificate) && check_use(reader, map, certificate);
    sl_text_format(&why, "it is not the key of the certificate in '%s'", certificate->cert_path);
    complain(reader, map, "key", certificate->key_path, why.base);
    sl_text_dispose(&why);
    return false;
}

/* --- stapled OCSP responses --- */

static bool has_serial(const OCSP_SINGLERESP *single, const X509 *leaf)
{
    ASN1_INTEGER *serial = NULL;
    OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single));
    return serial != NULL && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0;
}

static const char *examine_basic(OCSP_BASICRESP *basic, sl_certificate_t *certificate)
{
    for (int i = 0; basic != NULL && i < OCSP_resp_count(basic); ++i) {
        ASN1_GENERALIZEDTIME *end = NULL;
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        if (!has_serial(single, certificate->leaf))
            continue;
        OCSP_single_get0_status(single, NULL, NULL, NULL, &end);
        certificate->staple_expires_s = seconds_of(end);
        return NULL;
    }
    return "it says nothing about this certificate";
}

static const char *examine_staple(h2o_iovec_t der, sl_certificate_t *certificate)
{
    const unsigned char *at = (const unsigned char *)der.base;
    OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, (long)der.len);
    if (response == NULL || OCSP_response_status(response) != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        OCSP_RESPONSE_free(response);
        return "it is no successful OCSP response in DER";
    }
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);
    const char *why = examine_basic(basic, certificate);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    return why;
}

static void read_staple(sl_reader_t *reader, const sl_node_t *map, sl_certificate_t *certificate)
{
    h2o_iovec_t der = take_file(reader, map, "ocsp", certificate->ocsp_path);
    if (der.base == NULL)
        return;
    const char *why = examine_staple(der, certificate);
    if (why != NULL)
        complain(reader, map, "ocsp", certificate->ocsp_path, why);
    else
        certificate->staple = sl_keep(reader, der);
    free(der.base);
    ERR_clear_error();
}

/* --- the sections --- */

void sl_finish_certificate(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    sl_certificate_t *certificate = target;
    if (certificate->cert_path == NULL || certificate->key_path == NULL)
        return;
    kept_t *kept = keep(reader);
    kept->certificates = read_certificates(reader, node, "cert", certificate->cert_path);
    kept->key = read_key(reader, node, certificate->key_path);
    if (kept->certificates == NULL || kept->key == NULL)
        return;

    certificate->key = kept->key;
    certificate->key_type = EVP_PKEY_get_base_id(kept->key);
    certificate->leaf = sk_X509_value(kept->certificates, 0);
    certificate->chain = kept->chain = sk_X509_dup(kept->certificates);
    sk_X509_shift(kept->chain);
    certificate->expires_s = seconds_of(X509_get0_notAfter(certificate->leaf));
    note_names(reader, certificate);
    if (check_pair(reader, node, certificate) && certificate->ocsp_path != NULL)
        read_staple(reader, node, certificate);
}

void sl_finish_tls(sl_reader_t *reader, const sl_node_t *node, void *target)
{
    sl_tls_settings_t *tls = target;
    const sl_node_t *wish = sl_node_find(node, "client_certificates"), *authority = sl_node_find(node, "client_ca");
    bool is_wanted = tls->client_certificates != SL_CLIENT_CERTIFICATES_OFF;
    if (is_wanted && authority == NULL)
        sl_report_add(reader->report, wish->place, "'client_certificates' needs 'client_ca' to check them against");
    if (!is_wanted && tls->client_ca != NULL)
        sl_report_add(reader->report, authority->place, "'client_ca' is of use only with 'client_certificates'");
    if (!is_wanted || tls->client_ca == NULL)
        return;
    tls->client_ca_certificates = read_certificates(reader, node, "client_ca", tls->client_ca);
    keep(reader)->certificates = tls->client_ca_certificates;
}

/* --- the list --- */

static void read_list(sl_reader_t *reader, const sl_setting_t *setting, const sl_node_t *node, void *target)
{
    sl_tls_settings_t *tls = target;
    if (node->kind != SL_NODE_LIST) {
        sl_reject(reader, setting, node);
        return;
    }
    if (node->count == 0)
        sl_report_add(reader->report, node->place, "'%s' takes at least one mapping with 'cert' and 'key'",
                      setting->name);
    tls->certificates = sl_keep_zeroed(reader, node->count * sizeof(*tls->certificates));
    for (size_t i = 0; i < node->count; ++i)
        if (node->items[i]->kind == SL_NODE_MAP)
            sl_section_read(reader, setting->section, node->items[i], &tls->certificates[tls->certificate_count++]);
        else
            sl_reject(reader, setting, node->items[i]);
}

static void print_list(sl_emitter_t *emitter, const sl_setting_t *setting, const void *target)
{
    const sl_tls_settings_t *tls = target;
    sl_emit_list(emitter, false);
    for (size_t i = 0; i < tls->certificate_count; ++i)
        sl_section_print(emitter, setting->section, &tls->certificates[i]);
    sl_emit_list_end(emitter);
}

static void put_list_schema(sl_text_t *out, const sl_setting_t *setting)
{
    sl_text_put(out, "\"type\":\"array\",\"items\":{");
    sl_schema_section(out, setting->section);
    sl_text_put(out, "}");
}

const sl_type_t sl_type_certificates = {.noun = "a list of mappings with 'cert' and 'key'",
                                        .is_list = true,
                                        .put_schema = put_list_schema,
                                        .read = read_list,
                                        .print = print_list};
