/*
 * media_accept: what a client accepts, and which version it asks for.
 *
 * A parameter in Accept that an offer says nothing about excludes nothing: clients write "application/json;
 * charset=utf-8" and "application/json;version=2" and mean JSON. So does "application/vnd.acme.v2+json", less strongly
 * than an offer of exactly this type.
 */
#include "media_range.h"
#include "sluice/media.h"

#define Q_FULL 1000

/* How well a range fits, the more the better; NO_FIT: not at all. */
enum { NO_FIT, FITS_ALL, FITS_TYPE, FITS_SUFFIX, FITS_SUBTYPE, FITS_PARAMETERS };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "0.5" in thousandths; -1 when it is no weight. */
static int read_weight(h2o_iovec_t text)
{
    if (text.len == 0 || text.len > 5 || (text.base[0] != '0' && text.base[0] != '1') ||
        (text.len > 1 && text.base[1] != '.'))
        return -1;
    int weight = (text.base[0] - '0') * Q_FULL;
    for (size_t i = 2, unit = 100; i < text.len; ++i, unit /= 10) {
        if (!is_digit(text.base[i]))
            return -1;
        weight += (text.base[i] - '0') * (int)unit;
    }
    return weight > Q_FULL ? -1 : weight;
}

static int weight_of(sl_media_range_t range)
{
    h2o_iovec_t name, value;
    while (sl_media_next_parameter(&range.parameters, &name, &value))
        if (sl_bytes_equal_fold(name, SL_LIT("q")))
            return read_weight(value);
    return Q_FULL;
}

/* Parameters of the range that the offer has, too: how many; -1 when one has another value. */
static int shared_parameters(sl_media_range_t range, const sl_media_range_t *offer)
{
    h2o_iovec_t name, value, offered, offered_value;
    int shared = 0;
    while (sl_media_next_parameter(&range.parameters, &name, &value) && !sl_bytes_equal_fold(name, SL_LIT("q"))) {
        h2o_iovec_t rest = offer->parameters;
        while (sl_media_next_parameter(&rest, &offered, &offered_value)) {
            if (!sl_bytes_equal_fold(name, offered))
                continue;
            if (!sl_bytes_equal_fold(value, offered_value))
                return -1;
            ++shared;
        }
    }
    return shared;
}

/* Is the offer what stands behind the range's plus sign? */
static bool is_suffix(h2o_iovec_t subtype, h2o_iovec_t offer)
{
    return subtype.len > offer.len && subtype.base[subtype.len - offer.len - 1] == '+' &&
           sl_bytes_equal_fold(sl_bytes(subtype.base + subtype.len - offer.len, offer.len), offer);
}

static int fit(const sl_media_range_t *range, const sl_media_range_t *offer)
{
    bool is_any_type = sl_bytes_equal(range->type, SL_LIT("*")), is_any = sl_bytes_equal(range->subtype, SL_LIT("*"));
    int shared = shared_parameters(*range, offer);
    if (shared < 0)
        return NO_FIT;
    if (is_any_type)
        return is_any ? FITS_ALL : NO_FIT;
    if (!sl_bytes_equal_fold(range->type, offer->type))
        return NO_FIT;
    if (is_any)
        return FITS_TYPE;
    if (sl_bytes_equal_fold(range->subtype, offer->subtype))
        return shared == 0 ? FITS_SUBTYPE : FITS_PARAMETERS;
    return is_suffix(range->subtype, offer->subtype) ? FITS_SUFFIX : NO_FIT;
}

/* The weight that the range which fits best gives an offer; 0: refused. *is_empty: there was no range at all. */
static int judge(h2o_iovec_t accept, h2o_iovec_t offered, int *best_fit, bool *is_empty)
{
    sl_media_range_t offer, range;
    h2o_iovec_t element;
    int weight = 0;
    *best_fit = NO_FIT;
    if (!sl_media_range_read(offered, &offer))
        return 0;
    while (sl_media_next_piece(&accept, ',', &element)) {
        int own = sl_media_range_read(element, &range) ? weight_of(range) : -1;
        if (own < 0) /* not understood: as if it were not there */
            continue;
        *is_empty = false;
        int fits = fit(&range, &offer);
        if (fits > *best_fit) {
            *best_fit = fits;
            weight = own;
        }
    }
    return weight;
}

int sl_media_negotiate(h2o_iovec_t accept, const h2o_iovec_t *offers, size_t count)
{
    int best = -1, best_weight = 0, best_fit = NO_FIT;
    bool is_empty = true;
    for (size_t i = 0; i != count; ++i) {
        int fits, weight = judge(accept, offers[i], &fits, &is_empty);
        if (weight > best_weight || (weight == best_weight && weight != 0 && fits > best_fit)) {
            best = (int)i;
            best_weight = weight;
            best_fit = fits;
        }
    }
    return is_empty && count != 0 ? 0 : best;
}

/* --- versions --- */

/* The "v2" or "v2.1" of "vnd.acme.v2+json": a part of the name that is a v and digits. */
static h2o_iovec_t vendor_version(h2o_iovec_t subtype)
{
    for (size_t i = 0; i + 1 < subtype.len; ++i) {
        bool is_start = i == 0 || strchr(".-", subtype.base[i - 1]) != NULL;
        if (!is_start || (subtype.base[i] | 0x20) != 'v' || !is_digit(subtype.base[i + 1]))
            continue;
        size_t end = i + 1;
        while (end != subtype.len &&
               (is_digit(subtype.base[end]) ||
                (subtype.base[end] == '.' && end + 1 != subtype.len && is_digit(subtype.base[end + 1]))))
            ++end;
        if (end == subtype.len || strchr(".-+", subtype.base[end]) != NULL)
            return sl_bytes(subtype.base + i, end - i);
    }
    return sl_bytes(NULL, 0);
}

static h2o_iovec_t version_of(sl_media_range_t range, h2o_iovec_t parameter)
{
    h2o_iovec_t name, value;
    while (sl_media_next_parameter(&range.parameters, &name, &value))
        if (value.len != 0 && sl_bytes_equal_fold(name, parameter))
            return value;
    return vendor_version(range.subtype);
}

h2o_iovec_t sl_media_version(h2o_iovec_t accept, h2o_iovec_t parameter)
{
    h2o_iovec_t element, best = {NULL, 0};
    sl_media_range_t range;
    int best_weight = 0;
    while (sl_media_next_piece(&accept, ',', &element)) {
        int weight = sl_media_range_read(element, &range) ? weight_of(range) : 0;
        h2o_iovec_t version = weight > best_weight ? version_of(range, parameter) : sl_bytes(NULL, 0);
        if (version.len == 0)
            continue;
        best = version;
        best_weight = weight;
    }
    return best;
}
