/* SPDX-License-Identifier: MIT
 *
 * nearest.c: see nearest.h. Levenshtein's distance by its table; words beyond WORD_MAX are near to
 * none.
 */
#include "core/util/nearest.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 32

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
        unsigned m = a < b ? a : b;

        return m < c ? m : c;
}

/* Letters to add, drop or change; case does not count. Swapped neighbours are two changes. */
static unsigned distance(const char *a, const char *b)
{
        unsigned d[WORD_MAX + 1][WORD_MAX + 1];
        size_t n = strlen(a), m = strlen(b);

        for (unsigned i = 0; i <= n; i++) {
                for (unsigned j = 0; j <= m; j++) {
                        int x = i ? tolower((unsigned char)a[i - 1]) : 0;
                        int y = j ? tolower((unsigned char)b[j - 1]) : 0;

                        if (i == 0 || j == 0) {
                                d[i][j] = i + j;
                                continue;
                        }
                        d[i][j] =
                                min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (x != y));
                }
        }
        return d[n][m];
}

void nearest_offer(struct nearest *n, const char *candidate)
{
        unsigned far;

        if (strlen(candidate) > WORD_MAX || strlen(n->word) > WORD_MAX)
                return;
        far = distance(n->word, candidate);
        if (far > (strlen(candidate) + 2) / 3 || (n->best && far >= n->distance))
                return;
        n->best = candidate;
        n->distance = far;
}
