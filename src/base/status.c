/* Statuses as words, from the one list in status.h. */
#include <emcache/platform.h>

#define TEXT_OF(x)                        #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *emc_library_version(void)
{
    return VERSION_TEXT(EMC_VERSION_MAJOR, EMC_VERSION_MINOR, EMC_VERSION_PATCH);
}

const char *emc_status_name(emc_status status)
{
    switch (status) {
#define NAME_CASE(name, code, class_, text) \
    case name:                              \
        return #name;
        EMC_STATUS_LIST(NAME_CASE)
#undef NAME_CASE
    }
    return "EMC_?";
}

const char *emc_status_text(emc_status status)
{
    switch (status) {
#define TEXT_CASE(name, code, class_, text) \
    case name:                              \
        return text;
        EMC_STATUS_LIST(TEXT_CASE)
#undef TEXT_CASE
    }
    return "a number that is no status";
}

emc_status_class emc_status_classify(emc_status status)
{
    switch (status) {
#define CLASS_CASE(name, code, class_, text) \
    case name:                               \
        return EMC_CLASS_##class_;
        EMC_STATUS_LIST(CLASS_CASE)
#undef CLASS_CASE
    }
    return EMC_CLASS_USAGE;
}
