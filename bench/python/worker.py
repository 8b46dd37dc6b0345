"""One measurement: a client, so many tasks (or threads), one operation for a moment. Prints one line of figures.

    worker.py --client ours --loop uvloop --tasks 32 --operation get --port N [--seconds 0.4]

The work of a task is a plain loop around the call, the same for every client; a flag that a timer clears ends it."""
import argparse
import asyncio
import gc
import json
import resource
import threading
import time

import clients

KEYS = 10_000
MANY = 100
VALUE = bytes(ord("a") + i % 26 for i in range(100))
NAMES = [b"key:%08d" % number for number in range(KEYS)]


class Figures:
    """What is counted between begin() and end()."""

    def begin(self):
        self.running, self.operations = True, 0
        self.usage, self.clock = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()

    def end(self):
        usage, seconds = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - self.clock
        return {"per_second": self.operations / seconds, "user_ns": (usage.ru_utime - self.usage.ru_utime) * 1e9 / self.operations,
                "system_ns": (usage.ru_stime - self.usage.ru_stime) * 1e9 / self.operations}


def arguments_of(operation, tasks):
    """For each task the arguments of its calls, over and over: no two tasks are at the same key at a time."""
    if operation == "get_many":
        every = [(NAMES[first:first + MANY],) for first in range(0, KEYS, MANY)]
    else:
        every = [(name,) if operation == "get" else (name, VALUE) for name in NAMES]
    starts = [task * len(every) // tasks for task in range(tasks)]
    made = [(every[start:] + every[:start])[:1000] for start in starts]
    gc.collect()
    gc.freeze()  # the collector has nothing of this to look at while a client is measured
    return made


def check(client, operation, answer):
    if operation == "get":
        assert client.value_of(answer) == VALUE
    elif operation == "get_many":
        values = list(answer.values()) if isinstance(answer, dict) else answer
        assert len(values) == MANY and client.value_of(values[0]) == VALUE


async def measure_loop(client, options):
    await client.open(options.port, options.tasks)
    figures, call, arguments_of_tasks = Figures(), getattr(client, options.operation), arguments_of(options.operation, options.tasks)
    check(client, options.operation, await call(*arguments_of_tasks[0][0]))

    async def task(arguments):
        count = 0
        while figures.running:
            for one in arguments:
                await call(*one)
                count += 1
                if not figures.running:
                    break
        figures.operations += count

    def stop():
        figures.running = False

    report = None
    for seconds in (options.seconds / 4, options.seconds):  # the first to warm up
        tasks = [task(arguments) for arguments in arguments_of_tasks]
        figures.begin()
        asyncio.get_running_loop().call_later(seconds, stop)
        await asyncio.gather(*tasks)
        report = figures.end()
    await client.close()
    return report


def measure_threads(make, options):
    figures, reports = Figures(), []
    together = threading.Barrier(options.tasks + 1)
    total = threading.Lock()

    def work(arguments):
        client = make()
        client.open(options.port)
        call = getattr(client, options.operation)
        check(client, options.operation, call(*arguments[0]))
        for _ in range(2):
            together.wait()
            count = 0
            while figures.running:
                for one in arguments:
                    call(*one)
                    count += 1
                    if not figures.running:
                        break
            with total:
                figures.operations += count
            together.wait()
        client.close()

    threads = [threading.Thread(target=work, args=(arguments,), daemon=True) for arguments in arguments_of(options.operation, options.tasks)]
    for thread in threads:
        thread.start()
    for seconds in (options.seconds / 4, options.seconds):
        figures.begin()
        together.wait()
        time.sleep(seconds)
        figures.running = False
        together.wait()
        reports.append(figures.end())
    for thread in threads:
        thread.join()
    return reports[-1]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--client", choices=sorted(clients.MAKERS), required=True)
    parser.add_argument("--loop", choices=["asyncio", "uvloop", "threads"], required=True)
    parser.add_argument("--tasks", type=int, required=True)
    parser.add_argument("--operation", choices=["get", "set", "get_many"], required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0.4)
    options = parser.parse_args()
    make = clients.MAKERS[options.client]
    if options.loop == "threads":
        report = measure_threads(make, options)
    else:
        if options.loop == "uvloop":
            import uvloop
            loop = uvloop.new_event_loop()
        else:
            loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        report = loop.run_until_complete(measure_loop(make(), options))
        loop.close()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
