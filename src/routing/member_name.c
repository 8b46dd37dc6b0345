/* The names that clients give to nodes. */
#include "routing/member_name.h"

#define DEFAULT_PORT 11211

static size_t put_decimal(uint8_t *out, uint32_t number)
{
    uint8_t digits[10];
    size_t count = 0;
    do {
        digits[count++] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (size_t i = 0; i < count; i++) {
        out[i] = digits[count - 1 - i];
    }
    return count;
}

size_t emc__member_number(uint8_t name[static EMC__MEMBER_NAME_SIZE], size_t length, char separator, uint32_t number)
{
    name[length] = (uint8_t)separator;
    return length + 1 + put_decimal(name + length + 1, number);
}

/* The name of a unix socket, its path being written. */
static size_t unix_name(enum emc__member_form form, uint8_t name[static EMC__MEMBER_NAME_SIZE], size_t length)
{
    if (form == EMC__MEMBER_LIBMEMCACHED) {
        return emc__member_number(name, length, ':', 0);
    }
    if (form == EMC__MEMBER_TWEMPROXY) {
        name[length++] = ':';
    }
    return length;
}

size_t emc__member_name(const struct emc__routing_member *member, enum emc__member_form form,
                        uint8_t name_out[static EMC__MEMBER_NAME_SIZE])
{
    const char *text = member->path != NULL ? member->path : member->host;
    size_t length = strlen(text);
    memcpy(name_out, text, length);
    if (member->path != NULL) {
        return unix_name(form, name_out, length);
    }
    if (form == EMC__MEMBER_JOINED) {
        return length + put_decimal(name_out + length, member->port);
    }
    if (form != EMC__MEMBER_COLON && member->port == DEFAULT_PORT) {
        return length;
    }
    return emc__member_number(name_out, length, ':', member->port);
}
