/*
 * word_odds.h - is a run of letters and digits a name that somebody chose, or chance?
 *
 * Names are words in small letters, each of which may begin with a capital, with a number now and
 * then, and some letters hardly ever follow each other in them; chance knows nothing of that. Both
 * are given a probability, and what is asked for is how much larger that of chance is.
 */
#ifndef REPRISE_TRACES_WORD_ODDS_H
#define REPRISE_TRACES_WORD_ODDS_H

#include "core/bytes.h"

#define WORD_ODDS_BIT 10

/* In tenths of a bit: above 0 the run is rather chance, below 0 rather a name; a random run of ten
 * letters and digits has some 130. Anything but ASCII letters and digits is between two names. */
int word_odds_of_chance(struct bytes run);

#endif
