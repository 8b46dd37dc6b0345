/* The engine's side of Client.stream_keys(). */
#ifndef EMC_PYTHON_KEY_STREAM_H
#define EMC_PYTHON_KEY_STREAM_H

#include "client.h"

/* At the end of a pass: what it took in of a dump goes to client->on_lines, and the next is not before resume. */
void key_stream_deliver(struct client *client);

/* The module's functions, for _key_stream.py alone.
 *
 * dump_origin(client, address) -> (loop, options, on_event, on_trace, timeout) of a client that is open, this loop's, and has that node; timeout < 0: none.
 * begin_dump(client, address, keys_only, on_lines) -> Operation; on_lines is called with each pass's list of (key, line).
 * resume_dump(client): the loop looks at the descriptor again.
 * end_dump(client): closes it, in whatever state, at once. */
PyObject *key_stream_origin(PyObject *module, PyObject *args);
PyObject *key_stream_begin(PyObject *module, PyObject *args);
PyObject *key_stream_resume(PyObject *module, PyObject *client);
PyObject *key_stream_end(PyObject *module, PyObject *client);

#endif
