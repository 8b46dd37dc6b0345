/* The meta commands and the patterns on top of them. */
#include "client.h"

PyMethodDef client_meta_commands[] = {
    {NULL, NULL, 0, NULL},
};
