/* Random numbers of dropout: functions of a counter, so that a mask depends on seed, step, layer,
   row and column, and on nothing else. dropout.py says the same in NumPy. */

/* One round of SplitMix64 (Steele, Lea and Flood 2014). */
static inline uint64_t fastlr_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}
static inline uint32_t fastlr_number(uint64_t key, uint32_t column)
{
    uint32_t x = (uint32_t)key + column * 0x9e3779b9u;
    x = (x ^ (x >> 16)) * 0x85ebca6bu;
    x ^= (uint32_t)(key >> 32);
    x = (x ^ (x >> 13)) * 0xc2b2ae35u;
    return x ^ (x >> 16);
}
