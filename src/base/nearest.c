/*
 * nearest: "did you mean?". Edit distance with neighbours swapped counted once (Damerau-Levenshtein, restricted form:
 * no letter is edited twice), because a swap is the commonest slip of the hand. A word is meant when at most a third of
 * it is wrong.
 */
#include "sluice/parse.h"
#include <ctype.h>

#define WORD_BYTES 64

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool is_same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static unsigned edit_distance(h2o_iovec_t a, h2o_iovec_t b)
{
    unsigned rows[3][WORD_BYTES + 1]; /* the line being filled and the two before it */
    unsigned *before = rows[0], *last = rows[1], *line = rows[2];
    for (unsigned j = 0; j <= b.len; ++j)
        last[j] = j;

    for (unsigned i = 1; i <= a.len; ++i) {
        line[0] = i;
        for (unsigned j = 1; j <= b.len; ++j) {
            unsigned changed = last[j - 1] + !is_same_letter(a.base[i - 1], b.base[j - 1]);
            line[j] = smaller(changed, smaller(last[j], line[j - 1]) + 1);
            if (i > 1 && j > 1 && is_same_letter(a.base[i - 1], b.base[j - 2]) &&
                is_same_letter(a.base[i - 2], b.base[j - 1]))
                line[j] = smaller(line[j], before[j - 2] + 1);
        }
        unsigned *oldest = before;
        before = last;
        last = line;
        line = oldest;
    }
    return last[b.len];
}

const char *sl_nearest_name(h2o_iovec_t word, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    if (word.len == 0 || word.len > WORD_BYTES)
        return NULL;
    unsigned least = (unsigned)(word.len + 2) / 3 + 1; /* the first distance that is too far */
    for (size_t i = 0; i != count; ++i) {
        h2o_iovec_t name = sl_bytes_of(names[i]);
        if (name.len > WORD_BYTES)
            continue;
        unsigned distance = edit_distance(word, name);
        if (distance < least && distance < word.len) { /* with every letter changed nothing is left that was meant */
            least = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
