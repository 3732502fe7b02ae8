/* Matrix products of an MLP: one operand packed into panels, the other as it lies; included once
   for each REAL. Every element is summed over the inner dimension in one order, however rows
   and columns are divided: results depend neither on threads nor on who shares a mini-batch. */

/* Columns of a panel: with 6 rows that is 12 accumulators, which fit 16 registers with room for
   the operands, and hide the latency of the additions. */
#define PANEL (2 * LANES)
#define TILE_ROWS 6
/* Panels of this depth stay in the first cache level. */
#define DEPTH ((ptrdiff_t)(24576 / (2 * VECTOR_BYTES)))
/* Rows of the result that are done panel by panel: their operand stays in the cache. */
#define BAND 48

#define NAME_TILE(x) NAME(JOIN(JOIN(x, ROWS), VECS))
#define VECS 1
#define ROWS 1
#include "_mlp_tile.h"
#undef ROWS
#define ROWS 2
#include "_mlp_tile.h"
#undef ROWS
#define ROWS 3
#include "_mlp_tile.h"
#undef ROWS
#define ROWS 4
#include "_mlp_tile.h"
#undef ROWS
#define ROWS 5
#include "_mlp_tile.h"
#undef ROWS
#define ROWS 6
#include "_mlp_tile.h"
#undef ROWS
#undef VECS
#define VECS 2
#define ROWS 1
#include "_mlp_tile.h"
#undef ROWS
#define ROWS 2
#include "_mlp_tile.h"
#undef ROWS
#define ROWS 3
#include "_mlp_tile.h"
#undef ROWS
#define ROWS 4
#include "_mlp_tile.h"
#undef ROWS
#define ROWS 5
#include "_mlp_tile.h"
#undef ROWS
#define ROWS 6
#include "_mlp_tile.h"
#undef ROWS
#undef VECS
#undef NAME_TILE

typedef void (*NAME(tile))(const REAL *const *, ptrdiff_t, const REAL *, ptrdiff_t, REAL *,
                           ptrdiff_t, int);
static const NAME(tile) NAME(tiles)[2][TILE_ROWS] = {
    {NAME(tile_1_1), NAME(tile_2_1), NAME(tile_3_1), NAME(tile_4_1), NAME(tile_5_1),
     NAME(tile_6_1)},
    {NAME(tile_1_2), NAME(tile_2_2), NAME(tile_3_2), NAME(tile_4_2), NAME(tile_5_2),
     NAME(tile_6_2)},
};

/* Columns with those that fill the last panel. */
static ptrdiff_t NAME(fastlr_padded)(ptrdiff_t columns)
{
    return (columns + PANEL - 1) / PANEL * PANEL;
}

/* Copy the panels from `first` on, up to `last`, of w[depth][columns]; zeros fill the last one. */
static void NAME(pack)(const REAL *w, ptrdiff_t ld, ptrdiff_t depth, ptrdiff_t columns,
                       REAL *panels, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t p = first; p < last; p++) {
        const ptrdiff_t j = p * PANEL;
        REAL *out = panels + j * depth;
        if (columns - j >= PANEL) {
            for (ptrdiff_t k = 0; k < depth; k++)
                UNROLL for (ptrdiff_t v = 0; v < 2; v++)
                    STORE(out + k * PANEL + v * LANES, LOAD(w + k * ld + j + v * LANES));
        } else {
            for (ptrdiff_t k = 0; k < depth; k++)
                for (ptrdiff_t c = 0; c < PANEL; c++)
                    out[k * PANEL + c] = j + c < columns ? w[k * ld + j + c] : 0;
        }
    }
}

/* The same of the transpose: w[columns][depth]. */
static void NAME(pack_transposed)(const REAL *w, ptrdiff_t ld, ptrdiff_t depth, ptrdiff_t columns,
                                  REAL *panels, ptrdiff_t first, ptrdiff_t last)
{
    for (ptrdiff_t p = first; p < last; p++) {
        const ptrdiff_t j = p * PANEL;
        REAL *out = panels + j * depth;
        for (ptrdiff_t k = 0; k < depth; k += 64) { /* few enough to stay in the first cache */
            const ptrdiff_t stop = k + 64 < depth ? k + 64 : depth;
            for (ptrdiff_t c = 0; c < PANEL; c++)
                for (ptrdiff_t i = k; i < stop; i++)
                    out[i * PANEL + c] = j + c < columns ? w[(j + c) * ld + i] : 0;
        }
    }
}

/* Bring in a few of the rows that the next block reads. */
static inline void NAME(look_ahead)(fastlr_ahead *ahead)
{
    for (int i = 0; i < FASTLR_LINES && ahead->row < ahead->stop; i++) {
        const ptrdiff_t row = ahead->order ? (ptrdiff_t)ahead->order[ahead->row] : ahead->row;
        PREFETCH_FAR(ahead->x + row * ahead->size + ahead->at);
        ahead->at += 64;
        if (ahead->at >= ahead->size) {
            ahead->at = 0;
            ahead->row++;
        }
    }
}

/* c[m][n] (+)= sum_k a[m * a_row + k * a_step] b[k][n], b in panels. */
static void NAME(product)(const REAL *a, ptrdiff_t a_row, ptrdiff_t a_step, const REAL *b,
                          ptrdiff_t depth, REAL *c, ptrdiff_t ldc, ptrdiff_t rows,
                          ptrdiff_t columns, int add, fastlr_ahead *ahead)
{
    const ptrdiff_t band = a_step == 1 ? rows : BAND;
    for (ptrdiff_t k = 0; k < depth; k += DEPTH) {
        const ptrdiff_t count = depth - k < DEPTH ? depth - k : DEPTH;
        const int more = add || k > 0;
        for (ptrdiff_t top = 0; top < rows; top += band) {
            const ptrdiff_t bottom = top + band < rows ? top + band : rows;
            for (ptrdiff_t j = 0; j < columns; j += PANEL) {
                const ptrdiff_t width = columns - j < PANEL ? columns - j : PANEL;
                const NAME(tile) *tiles = NAME(tiles)[width > LANES];
                const REAL *panel = b + j * depth + k * PANEL;
                for (ptrdiff_t i = top; i < bottom;) {
                    const REAL *row[TILE_ROWS];
                    ptrdiff_t left = bottom - i;
                    /* Two tiles of similar height at the end: a low one is slow. */
                    left = left >= 2 * TILE_ROWS ? TILE_ROWS
                        : left <= TILE_ROWS      ? left
                                                 : (left + 1) / 2;
                    for (ptrdiff_t r = 0; r < left; r++) row[r] = a + (i + r) * a_row + k * a_step;
                    if (width == PANEL || width == LANES) {
                        tiles[left - 1](row, a_step, panel, count, c + i * ldc + j, ldc, more);
                    } else {
                        REAL part[TILE_ROWS * 2 * (VECTOR_BYTES / sizeof(REAL))];
                        tiles[left - 1](row, a_step, panel, count, part, PANEL, 0);
                        for (ptrdiff_t r = 0; r < left; r++)
                            for (ptrdiff_t v = 0; v < width; v++) {
                                REAL *p = c + (i + r) * ldc + j + v;
                                *p = more ? *p + part[r * PANEL + v] : part[r * PANEL + v];
                            }
                    }
                    if (ahead) NAME(look_ahead)(ahead);
                    i += left;
                }
            }
        }
    }
}

/* out[n] (+)= sum over the rows of panels. */
static void NAME(sum_panels)(const REAL *panels, ptrdiff_t depth, ptrdiff_t columns, REAL *out,
                             int add)
{
    for (ptrdiff_t j = 0; j < columns; j += PANEL) {
        REAL sum[2 * (VECTOR_BYTES / sizeof(REAL))];
        const REAL *panel = panels + j * depth;
        VEC part[2] = {ZERO, ZERO};
        for (ptrdiff_t k = 0; k < depth; k++)
            UNROLL for (int v = 0; v < 2; v++) part[v] += LOAD(panel + k * PANEL + v * LANES);
        for (int v = 0; v < 2; v++) STORE(sum + v * LANES, part[v]);
        for (ptrdiff_t c = 0; c < PANEL && j + c < columns; c++)
            out[j + c] = add ? out[j + c] + sum[c] : sum[c];
    }
}
