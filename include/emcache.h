/* libemcache: a cluster client for memcached.
 *
 *   emc_client *client;
 *   emc_error error;
 *   emc_address nodes[] = {emc_address_tcp("localhost", 11211), emc_address_tcp("localhost", 11212)};
 *   if (emc_client_create(&client, nodes, 2, NULL, &error) != EMC_OK) { … error.message … }
 *   emc_set(client, EMC_STR("greeting"), EMC_STR("hello"), 0, 0, NULL);
 *
 * A pointer may be NULL where its comment says so. What a command is given is checked nevertheless, and refused in words; the client itself, and where outputs go, are not.
 *
 * The whole public interface, by topic; this header includes them all. */
#ifndef EMCACHE_H
#define EMCACHE_H

#include <emcache/platform.h> /* version, statuses, allocator, log hook */
#include <emcache/address.h>  /* where a node is */
#include <emcache/options.h>  /* what a client can be told at creation */
#include <emcache/client.h>   /* create, close, run */
#include <emcache/result.h>   /* how an operation's outcome is delivered */
#include <emcache/commands.h> /* get, set, … blocking and asynchronous */
#include <emcache/meta.h>     /* the meta commands, and the patterns on top of them */
#include <emcache/cluster.h>  /* cluster management: nodes, health, pools, events, membership */

#endif
