/* A key as Python writes it into "%s-%s": what pymemcache hashes behind a node's name. */
#ifndef EMC_ROUTING_PYTHON_TEXT_H
#define EMC_ROUTING_PYTHON_TEXT_H

#include "base/slice.h"

/* Room for a piece of text. */
#define EMC__PYTHON_TEXT_SIZE 1024

/* The text, piece by piece, so that a key of any length needs no memory. */
struct emc__python_text {
    struct emc__slice key;
    size_t taken; /* bytes of the key that were written */
    bool is_bytes;
    bool ended; /* bytes: the closing quote was written */
    char quote; /* bytes: ' or ", as Python chooses */
};

/* A str of that UTF-8, one byte for each character (its low eight bits, as pymemcache's murmur3_32 takes them); a key that is no UTF-8 is taken as it is. */
struct emc__python_text emc__python_str(struct emc__slice key);
/* A bytes object: b'…' with Python's escapes. */
struct emc__python_text emc__python_bytes(struct emc__slice key);
/* Writes the next piece and returns its length; 0: the text has ended. */
size_t emc__python_text_next(struct emc__python_text *text, uint8_t out[static EMC__PYTHON_TEXT_SIZE]);

#endif
