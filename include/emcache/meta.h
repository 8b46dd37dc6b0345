/* The meta commands, and the patterns on top of them. */
#ifndef EMCACHE_META_H
#define EMCACHE_META_H

#include <emcache/result.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif
#endif
