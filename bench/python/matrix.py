"""What is measured, and what is to be reached (issue and README name these marks)."""
import collections

# One program of a round: a client on a loop ("threads" for those that block, "wire" for the bare C program).
Run = collections.namedtuple("Run", "client loop operation tasks server", defaults=[""])

# The servers: memcached as it comes, and without the thread that keeps its lists in order. Both have one core, which that thread shares with the one that
# answers: it takes a quarter of it where 10,000 keys are all asked for some hundred times a second, as get_many does here, and nothing where it has a core to go to.
UNDISTURBED = "no LRU maintainer"
SERVERS = {"": [], UNDISTURBED: ["-o", "no_lru_maintainer"]}

PEERS = ["emcache", "emcache-best", "emcache-autobatching", "aiomcache"]
BLOCKING = ["pymemcache", "pylibmc"]
LIMIT = "limit"
OURS = ["ours", "ours-busy-poll"]
WORDS = {"ours": "emcache (ours)", "ours-busy-poll": "emcache (ours), busy polling 50 µs", "emcache": "emcache 1.3, default", "emcache-best": "emcache 1.3, a connection per task",
         "emcache-autobatching": "emcache 1.3, autobatching", LIMIT: "bare C, prebuilt bytes"}
LOOPS = ["asyncio", "uvloop"]
TASKS = {"get": [1, 32, 256], "set": [1, 32, 256], "get_many": [1, 32]}

# what, operation, loop, tasks, peer, at least, or this part of the limit if that is lower
Mark = collections.namedtuple("Mark", "what operation loop tasks peer least part server client", defaults=[None, "", "ours"])
MARKS = [
    Mark("get, uvloop, 32 tasks / its best setting", "get", "uvloop", 32, "emcache-best", 4.0, 0.7),
    Mark("get, uvloop, 256 tasks / its best setting", "get", "uvloop", 256, "emcache-best", 10.0),
    Mark("get, asyncio, 32 tasks / its best setting", "get", "asyncio", 32, "emcache-best", 7.0),
    Mark("get, asyncio, 256 tasks / its best setting", "get", "asyncio", 256, "emcache-best", 10.0),
    Mark("get, uvloop, 32 tasks / its default", "get", "uvloop", 32, "emcache", 10.0),
    Mark("get, uvloop, 256 tasks / its default", "get", "uvloop", 256, "emcache", 20.0),
    Mark("get, uvloop, 32 tasks / its autobatching", "get", "uvloop", 32, "emcache-autobatching", 1.5),
    Mark("get, uvloop, 256 tasks / its autobatching", "get", "uvloop", 256, "emcache-autobatching", 3.0),
    Mark("get_many of 100, uvloop, 1 task / its best setting", "get_many", "uvloop", 1, "emcache-best", 1.8),
    Mark("the same, busy polling for 50 µs", "get_many", "uvloop", 1, "emcache-best", 1.8, client="ours-busy-poll"),
    Mark("get_many of 100, uvloop, 32 tasks / its best setting", "get_many", "uvloop", 32, "emcache-best", 2.5),
    Mark("the same, the server without its LRU maintainer", "get_many", "uvloop", 32, "emcache-best", 2.5, server=UNDISTURBED),
]
CPU_MARKS = [("uvloop", 32), ("uvloop", 256), ("asyncio", 32), ("asyncio", 256)]  # of a get: at most a tenth of its best setting's
CPU_PART = 0.1
OWN_USER_NS = 1000  # the whole process in user mode, the loop and the tasks included, at 256 tasks on uvloop


def peers_of(operation, loop):
    if loop == "threads":
        return BLOCKING
    return [peer for peer in PEERS if operation == "get" or peer != "emcache-autobatching"]


def runs(has_ours, only=""):
    """Every program of a round; those that are compared stand next to each other."""
    made = []
    for operation, counts in TASKS.items():
        for tasks in counts:
            made.append(Run(LIMIT, "wire", operation, tasks))
            for loop in [*LOOPS, "threads"]:
                if loop != "threads" and has_ours:
                    made += [Run(client, loop, operation, tasks) for client in OURS if client == "ours" or tasks == 1]
                made += [Run(peer, loop, operation, tasks) for peer in peers_of(operation, loop)]
    made += [run._replace(server=UNDISTURBED) for run in made if (run.operation, run.tasks) == ("get_many", 32)]
    return [run for run in made if only in " ".join([run.client, run.loop, run.operation, str(run.tasks), run.server])]
