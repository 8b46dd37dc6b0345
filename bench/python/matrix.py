"""What is measured, and what is to be reached (issue and README name these marks)."""
import collections

# One program of a round: a client on a loop ("threads" for those that block, "wire" for the bare C program).
Run = collections.namedtuple("Run", "client loop operation tasks")

PEERS = ["emcache", "emcache-best", "emcache-autobatching", "aiomcache"]
BLOCKING = ["pymemcache", "pylibmc"]
LIMIT = "limit"
WORDS = {"ours": "emcache (ours)", "emcache": "emcache 1.3, default", "emcache-best": "emcache 1.3, a connection per task",
         "emcache-autobatching": "emcache 1.3, autobatching", LIMIT: "bare C, prebuilt bytes"}
LOOPS = ["asyncio", "uvloop"]
TASKS = {"get": [1, 32, 256], "set": [1, 32, 256], "get_many": [1, 32]}

# (what, operation, loop, tasks, peer, at least, or this part of the limit if that is lower)
MARKS = [
    ("get, uvloop, 32 tasks / its best setting", "get", "uvloop", 32, "emcache-best", 4.0, 0.7),
    ("get, uvloop, 256 tasks / its best setting", "get", "uvloop", 256, "emcache-best", 10.0, None),
    ("get, asyncio, 32 tasks / its best setting", "get", "asyncio", 32, "emcache-best", 7.0, None),
    ("get, asyncio, 256 tasks / its best setting", "get", "asyncio", 256, "emcache-best", 10.0, None),
    ("get, uvloop, 32 tasks / its default", "get", "uvloop", 32, "emcache", 10.0, None),
    ("get, uvloop, 256 tasks / its default", "get", "uvloop", 256, "emcache", 20.0, None),
    ("get, uvloop, 32 tasks / its autobatching", "get", "uvloop", 32, "emcache-autobatching", 1.5, None),
    ("get, uvloop, 256 tasks / its autobatching", "get", "uvloop", 256, "emcache-autobatching", 3.0, None),
    ("get_many of 100, uvloop, 1 task / its best setting", "get_many", "uvloop", 1, "emcache-best", 1.8, None),
    ("get_many of 100, uvloop, 32 tasks / its best setting", "get_many", "uvloop", 32, "emcache-best", 2.5, None),
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
                    made.append(Run("ours", loop, operation, tasks))
                made += [Run(peer, loop, operation, tasks) for peer in peers_of(operation, loop)]
    return [run for run in made if only in " ".join([run.client, run.loop, run.operation, str(run.tasks)])]
