/* Stores a value and fetches it again. Build: cc hello.c $(pkg-config --cflags --libs emcache). Run: ./a.out localhost:11211 */
#include <emcache.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    emc_address_storage node;
    emc_client *client;
    emc_error error;
    if (emc_address_parse(argc > 1 ? argv[1] : "localhost", 11211, &node, &error) != EMC_OK ||
        emc_client_create(&client, &node.address, 1, NULL, &error) != EMC_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    emc_item item = {0};
    emc_status status = emc_set(client, EMC_STR("greeting"), EMC_STR("hello, world"), 60, 0, NULL);
    if (status == EMC_OK) {
        status = emc_get(client, EMC_STR("greeting"), &item, NULL);
    }
    puts(status == EMC_OK ? (const char *)item.value : emc_client_error_message(client));
    emc_item_release(&item);
    emc_client_destroy(client);
    return status == EMC_OK ? 0 : 1;
}
