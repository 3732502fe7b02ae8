/* What steps do to features that they do not touch, made up for all at once.

   A step without a gradient takes p to soft(a p, l), a being what decay leaves and l the threshold
   of L1. After steps with a_1, l_1 ... a_n, l_n, and with A_n = a_1 ... a_n and
   B_n = l_1 / A_1 + ... + l_n / A_n, those after step m have taken |p| to
       max(A_n |p| / A_m - A_n (B_n - B_m), 0)
   and an average that moves by a share w of what it lacks, with K_n = (1 - w_1) ... (1 - w_n) and
   T_n = w_1 A_1 / K_1 + ... + w_n A_n / K_n, to
       K_n avg / K_m + K_n (T_n - T_m) p / A_m
   so a feature needs only the tables of A, B, K and T, kept in double precision. Products that
   come near zero start anew, which takes a visit to every feature. */

/* What one step does to a feature without a gradient. */
typedef struct {
    double left, threshold, weight;
    double soft; /* part of the threshold that features with a gradient have not seen yet */
    int alone; /* it cannot join the tables */
} fastlr_idle;

/* Start from here: every feature has seen all steps. */
static void fastlr_begin_tables(fastlr_sparse *m)
{
    m->base = m->clock;
    m->idle = 0;
    m->shrunk[0] = 1, m->pulled[0] = 0;
    if (m->average) m->kept[0] = 1, m->taken[0] = 0;
}

/* Add a step to the tables; the clock is still before it. */
static void fastlr_note_idle(fastlr_sparse *m, const fastlr_idle *one)
{
    const ptrdiff_t at = m->clock - m->base;
    m->idle |= one->left != 1 || one->threshold != 0 || m->average;
    m->shrunk[at + 1] = m->shrunk[at] * one->left;
    m->pulled[at + 1] = m->pulled[at] + one->threshold / m->shrunk[at + 1];
    if (m->average) {
        m->kept[at + 1] = m->kept[at] * (1 - one->weight);
        m->taken[at + 1] = m->taken[at] + one->weight * m->shrunk[at + 1] / m->kept[at + 1];
    }
}
