/*
 * secret: names that carry credentials, of header fields, parameters and members of JSON.
 *
 * A name tells by its last word, however words are put together in it: X-API-Key, api_key, apiKey, access-token. Where
 * all is written in one, by its end: apikey. A "monkey" is none.
 */
#include "sluice/secret.h"
#include "sluice/json.h"
#include "sluice/path.h"
#include <ctype.h>

static bool is_one_of(h2o_iovec_t word, const char *const *words, size_t count)
{
    for (size_t i = 0; i != count; ++i)
        if (sl_bytes_equal_fold(word, sl_bytes_of(words[i])))
            return true;
    return false;
}

static bool ends_with(h2o_iovec_t name, h2o_iovec_t end)
{
    return name.len >= end.len && sl_bytes_equal_fold(sl_bytes(name.base + name.len - end.len, end.len), end);
}

/* Behind the last sign that is no letter or digit, or from the capital on that ends a camelCase name. */
static h2o_iovec_t last_word(h2o_iovec_t name)
{
    size_t at = name.len;

    while (at != 0 && isalnum((unsigned char)name.base[at - 1])) {
        --at;
        if (at != 0 && isupper((unsigned char)name.base[at]) && islower((unsigned char)name.base[at - 1]))
            break;
    }
    return sl_bytes(name.base + at, name.len - at);
}

bool sl_is_secret_name(h2o_iovec_t name, const char *key_name)
{
    static const char *const words[] = {"key",           "token",      "secret",     "password",    "passwd",
                                        "pwd",           "passphrase", "credential", "credentials", "signature",
                                        "authorization", "cookie",     "jwt"};
    static const char *const ends[] = {"apikey",      "accesskey", "secretkey",    "privatekey",
                                       "accesstoken", "authtoken", "clientsecret", "password"};

    if (is_one_of(last_word(name), words, sizeof(words) / sizeof(*words)))
        return true;
    for (size_t i = 0; i != sizeof(ends) / sizeof(*ends); ++i)
        if (ends_with(name, sl_bytes_of(ends[i])))
            return true;
    return key_name != NULL && sl_bytes_equal_fold(name, sl_bytes_of(key_name));
}

bool sl_is_bare_reference(h2o_iovec_t text)
{
    bool is_braced = text.len > 2 && text.base[1] == '{' && text.base[text.len - 1] == '}';
    size_t at = is_braced ? 2 : 1, end = is_braced ? text.len - 1 : text.len;

    if (at >= end || text.base[0] != '$' || !isalpha((unsigned char)text.base[at]))
        return false;
    for (; at != end; ++at)
        if (!isalnum((unsigned char)text.base[at]) && (text.base[at] == '\0' || strchr("._-[]", text.base[at]) == NULL))
            return false;
    return true;
}

/* --- JSON --- */

typedef struct mask_t {
    const sl_json_t *json;
    const char *key_name;
    sl_text_t *out;
    size_t copied; /* of the text */
} mask_t;

static h2o_iovec_t take(sl_text_t *text, const sl_json_t *json, uint32_t value, bool name)
{
    sl_text_clear(text);
    sl_json_unescape(json, value, name, text);
    return sl_bytes(text->base, text->size);
}

static bool is_secret_member(const mask_t *mask, uint32_t child)
{
    sl_text_t text = {0};
    h2o_iovec_t name = take(&text, mask->json, child, true);

    if (name.len > 1 && name.base[name.len - 1] == '?') /* of a template: left away without a value */
        --name.len;
    bool is_secret = sl_is_secret_name(name, mask->key_name);
    sl_text_dispose(&text);
    return is_secret;
}

/* {set: user.token, value: ...}: an edit names the member in its path. */
static bool is_secret_edit(const mask_t *mask, uint32_t object)
{
    static const char *const words[] = {"set", "default"};
    sl_text_t text = {0};
    bool is_secret = false;

    for (size_t i = 0; i != sizeof(words) / sizeof(*words); ++i) {
        int64_t path = sl_json_member(mask->json, object, sl_bytes_of(words[i]));
        if (path < 0 || mask->json->values[path].type != SL_JSON_STRING)
            continue;
        h2o_iovec_t name = take(&text, mask->json, (uint32_t)path, false);
        while (name.len != 0 && strchr("]'\"", name.base[name.len - 1]) != NULL) /* a name in brackets */
            --name.len;
        is_secret = is_secret || sl_is_secret_name(name, mask->key_name);
    }
    sl_text_dispose(&text);
    return is_secret;
}

/* Where a value comes from may be known. */
static bool is_told(const mask_t *mask, uint32_t value)
{
    sl_text_t text = {0};
    sl_json_type_t type = mask->json->values[value].type;
    bool is_told =
        type == SL_JSON_STRING ? sl_is_bare_reference(take(&text, mask->json, value, false)) : type != SL_JSON_NUMBER;

    sl_text_dispose(&text);
    return is_told;
}

static void put_mask(mask_t *mask, uint32_t value)
{
    const sl_json_value_t *given = &mask->json->values[value];

    sl_text_append(mask->out, mask->json->text.base + mask->copied, given->begin - mask->copied);
    sl_text_put(mask->out, "\"" SL_SECRET_MASK "\"");
    mask->copied = given->end;
}

/* As deep as the document is, which its index bounds. */
static void visit(mask_t *mask, uint32_t value, bool is_secret)
{
    const sl_json_value_t *given = &mask->json->values[value];
    bool is_edit = given->type == SL_JSON_OBJECT && is_secret_edit(mask, value);

    if (given->count == 0) {
        if (is_secret && !is_told(mask, value))
            put_mask(mask, value);
        return;
    }
    for (uint32_t child = value + 1, left = given->count; left != 0; --left) {
        bool is_secret_child = given->type == SL_JSON_OBJECT && is_secret_member(mask, child);
        if (is_edit && sl_json_member(mask->json, value, SL_LIT("value")) == (int64_t)child)
            is_secret_child = true;
        visit(mask, child, is_secret || is_secret_child);
        child = mask->json->values[child].next;
    }
}

void sl_mask_json(h2o_iovec_t text, const char *key_name, sl_text_t *out)
{
    sl_json_t json = {0};
    mask_t mask = {.json = &json, .key_name = key_name, .out = out};
    size_t offset;

    if (sl_json_index(&json, text, NULL, &offset) == NULL)
        visit(&mask, 0, false);
    sl_text_append(out, text.base + mask.copied, text.len - mask.copied);
    sl_json_dispose(&json);
}

/* --- queries --- */

static bool is_secret_parameter(h2o_iovec_t parameter, const char *key_name)
{
    const char *sign = memchr(parameter.base, '=', parameter.len);
    sl_text_t name = {0};
    size_t len;

    if (sign == NULL)
        return false;
    char *to = sl_text_reserve(&name, parameter.len);
    bool is_secret = sl_query_decode(sl_bytes(parameter.base, (size_t)(sign - parameter.base)), to, &len) &&
                     sl_is_secret_name(sl_bytes(to, len), key_name);
    sl_text_dispose(&name);
    return is_secret;
}

void sl_mask_query(h2o_iovec_t query, const char *key_name, sl_text_t *out)
{
    while (query.len != 0) {
        const char *border = memchr(query.base, '&', query.len);
        size_t len = border != NULL ? (size_t)(border - query.base) : query.len;
        h2o_iovec_t parameter = sl_bytes(query.base, len);
        if (len != 0 && is_secret_parameter(parameter, key_name)) {
            const char *sign = memchr(parameter.base, '=', len);
            sl_text_append(out, parameter.base, (size_t)(sign - parameter.base) + 1);
            sl_text_put(out, SL_SECRET_MASK);
        } else {
            sl_text_append(out, parameter.base, len);
        }
        sl_text_append(out, "&", border != NULL ? 1 : 0);
        query = sl_bytes(query.base + len + (border != NULL), query.len - len - (border != NULL));
    }
}
