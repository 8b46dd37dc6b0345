"""A client for the length of a `with`."""
import contextlib

import emcache

ADDRESSES = (emcache.MemcachedHostAddress, emcache.MemcachedUnixSocketPath)


def address_of(place):
    return place if isinstance(place, ADDRESSES) else place.address


@contextlib.asynccontextmanager
async def client_on(*places, **options):
    """A client on addresses or on servers, closed at the end."""
    client = await emcache.create_client([address_of(place) for place in places], **options)
    try:
        yield client
    finally:
        await client.close()
