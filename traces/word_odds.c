/* word_odds.c - two models of a run of letters and digits, names and chance, held against each
 * other. */
#include "traces/word_odds.h"

/*
 * The costs were counted in names of programs: some 16,000 different words of C, Python, JavaScript
 * and Perl, and 22,000 names that mix cases or digits. They are -log2 of how often that is.
 */
enum { ALPHABET = 26, MAX_LOOKED_AT = 256 };

/* Of one letter behind another in a word, in bits: "qu" 1, "qz" 8. */
static const char *const letter_bits[ALPHABET] = {
    "85448758596343959343667768", "36663679368367369446479958", "37563783494478279453579969",
    "46652667289577479545578979", "46436569698453757234767579", "47553389299466369455489969",
    "47672754499464479346488976", "28862899398666379454598959", "56455559998442459544859795",
    "28672699486856379848376889", "47652676398465468635596869", "37652779298378379855569949",
    "25772789397658439756479979", "47443538486776479733668989", "66457658686442549344455789",
    "38673575497378349354588959", "57686688899466766556179998", "37552769396656369544578959",
    "57473774396667447742477969", "38672784299677469345588858", "44564559598343749333999899",
    "37671679399767469767777979", "27663884398674469446888899", "57453596398657538642779569",
    "46554668487444528634666867", "38661686398678459767776865",
};

enum kind { CAPITAL, SMALL, DIGIT, KIND_COUNT, SEPARATOR = KIND_COUNT };

/* Of what comes next, in tenths of a bit: by the kind before it and how many of it there were. */
static const unsigned char kind_costs[1 + KIND_COUNT * 3][KIND_COUNT] = {
    /* a capital, a small letter, a digit */
    {13, 8, 89}, {33, 2, 70}, {4, 24, 47}, {3, 31, 34}, {50, 1, 64},
    {33, 2, 73}, {22, 4, 58}, {21, 20, 9}, {23, 33, 5}, {26, 34, 4},
};

/* A letter that begins a word; a digit; what stands between two names. */
enum { FIRST_LETTER_COST = 44, DIGIT_COST = 33, SEPARATOR_COST = 30 };

static enum kind kind_of(char c)
{
    if (ascii_is_alpha(c))
        return c <= 'Z' ? CAPITAL : SMALL;
    return ascii_is_digit(c) ? DIGIT : SEPARATOR;
}

/* Small letters go on with the word; another capital is one of an acronym, of which any letter may
 * come next. */
static int letter_cost(char before, char c, enum kind kind)
{
    if (kind != SMALL || !ascii_is_alpha(before))
        return FIRST_LETTER_COST;
    const char *row = letter_bits[ascii_lower(before) - 'a'];
    return (row[c - 'a'] - '0') * WORD_ODDS_BIT;
}

static int cost_as_name(struct bytes run)
{
    size_t state = 0, row = 0;
    int cost = 0;
    char before = '\0';
    for (size_t i = 0; i < run.len; i++) {
        char c = run.ptr[i];
        enum kind kind = kind_of(c);
        char last = before;
        bool goes_on = i > 0 && kind_of(last) == kind;
        before = c;
        if (kind == SEPARATOR) {
            cost += SEPARATOR_COST;
            state = 0;
            continue;
        }
        cost += kind_costs[state][kind];
        cost += kind == DIGIT ? DIGIT_COST : letter_cost(last, c, kind);
        row = goes_on ? row + 1 : 1;
        state = (size_t)kind * 3 + (row < 3 ? row : 3);
    }
    return cost;
}

/* Each of the letters and digits of its kinds is as likely as the others. */
static int cost_as_chance(struct bytes run)
{
    bool has[KIND_COUNT + 1] = {false};
    for (size_t i = 0; i < run.len; i++)
        has[kind_of(run.ptr[i])] = true;
    int each = has[CAPITAL] && has[SMALL]     ? 60 /* of 62 */
               : !has[CAPITAL] && !has[SMALL] ? 33 /* of 10 */
               : has[DIGIT]                   ? 52 /* of 36 */
                                              : 47;                  /* of 26 */
    return (int)run.len * each;
}

int word_odds_of_chance(struct bytes run)
{
    if (run.len > MAX_LOOKED_AT)
        run.len = MAX_LOOKED_AT;
    return cost_as_name(run) - cost_as_chance(run);
}
