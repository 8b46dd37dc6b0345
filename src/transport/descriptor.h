/* The system's side of a connection: its first moments, and receives that wait. Uses transport.h for what an endpoint is. */
#ifndef EMC_TRANSPORT_DESCRIPTOR_H
#define EMC_TRANSPORT_DESCRIPTOR_H

#include "transport/transport.h"

/* In a program that closed its standard streams the next descriptor would be number 0, 1 or 2: what is printed then would go to a server, and libuv
 * aborts when it closes such a number. So we have none of these: what makes descriptors by the way (libuv's loop) does so while they are held;
 * the bits that come back are for the release. */
unsigned emc__descriptor_hold_standard(void);
void emc__descriptor_release_standard(unsigned held);
/* The same descriptor under a number above them, if need be; -1 and errno when there is none (it is closed then), or where it was -1. */
int emc__descriptor_above_standard(int descriptor);

/* A non-blocking descriptor that is connecting, closed on exec; or -1 and errno. */
int emc__descriptor_connect(const struct emc__endpoint *endpoint);
/* Where nobody listens on a local port, the system may happen to give the connection that very port: it then meets itself (TCP's
 * simultaneous open), and what we say would come back as the answer. */
bool emc__descriptor_met_itself(int descriptor);
/* Bytes that were sent and that the peer's system has not confirmed; 0 where ours does not say (unix sockets, other systems). */
uint64_t emc__descriptor_unconfirmed(int descriptor);
/* Lets a receive without MSG_DONTWAIT wait, for limit_ns (below a second) at most. False: the system refuses. */
bool emc__descriptor_make_blocking(int descriptor, uint32_t limit_ns);

/* Why no descriptor is to be had now (errno: EMFILE, ENFILE, ENOMEM, ENOBUFS); 0: one is. */
int emc__descriptor_lack(void);
/* What it means that none could be had, or could not begin to connect (errno): EMC_ERROR_FULL, EMC_ERROR_MEMORY or EMC_ERROR_CONNECT, see connect in transport.h. */
emc_status emc__descriptor_status(int code);

#endif
