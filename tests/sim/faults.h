/* Faults by chance: each kind begins at some time on a target, and ends at another. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "stage.h"

enum sim_fault_kind {
    SIM_FAULT_NONE,        /* for the coverage table: what happened in peace */
    SIM_FAULT_CRASH_RESET, /* the process dies, links are reset; it returns without its data */
    SIM_FAULT_CRASH_FIN,   /* the same, links end in order */
    SIM_FAULT_VANISH,      /* the machine is gone without a word, and returns */
    SIM_FAULT_BLACK,       /* packets are lost for a while */
    SIM_FAULT_STOP,        /* SIGSTOP, SIGCONT */
    SIM_FAULT_SILENT,      /* takes everything in and never answers */
    SIM_FAULT_SYN_SILENT,  /* new connections get no answer */
    SIM_FAULT_REFUSE_NEW,  /* new connections are refused, old ones live */
    SIM_FAULT_CONNECTIONS, /* over the server's connection limit */
    SIM_FAULT_RESET,       /* the replies are reset at some byte */
    SIM_FAULT_FIN,         /* the replies end at some byte */
    SIM_FAULT_FRAGILE,     /* every new link breaks after some bytes of replies */
    SIM_FAULT_SLOW_SERVER,
    SIM_FAULT_SLOW_LINE,
    SIM_FAULT_NARROW,      /* little bandwidth, small buffers: writes block */
    SIM_FAULT_TRICKLE,     /* one byte at a time */
    SIM_FAULT_SPLIT,       /* cut at random places, moved in short pieces */
    SIM_FAULT_PAUSE,       /* the client's process stands still */
    SIM_FAULT_CLOCK,       /* the client's clock leaps ahead */
    SIM_FAULT_DESCRIPTORS, /* connect fails at once */
    SIM_FAULT_NAME_FAILS,
    SIM_FAULT_NAME_SLOW,
    SIM_FAULT_NAME_SILENT,
    SIM_FAULT_NAME_MOVES,
    SIM_FAULT_MISCHIEF,    /* a reply is spoilt */
    SIM_FAULT_BLURT,       /* bytes that nobody asked for */
    SIM_FAULT_SERVER_FULL, /* out of memory storing object */
    SIM_FAULT_EVICTION,
    SIM_FAULT_ITEM_LIMIT, /* object too large for cache */
    SIM_FAULT_MEMORY,     /* the client's allocator fails now and then */
    SIM_FAULT_PASSWORD,   /* the credentials are refused */
    SIM_FAULT_MEMBERSHIP, /* a node is removed and added again */
    SIM_FAULT_DISCOVERY,  /* the configuration endpoint tells nonsense, nothing, something old, or is silent */
    SIM_FAULT_BUSY,       /* the LRU crawler is busy */
    SIM_FAULT_KINDS
};

extern const char *const sim_fault_names[SIM_FAULT_KINDS];

struct sim_fault {
    struct sim_stage *stage;
    struct sim_event event;
    enum sim_fault_kind kind;
    uint32_t node;         /* its target */
    struct sim_host *host; /* the target's when it began */
    struct sim_server *server;
    uint64_t begin_ns, end_ns;
    bool begun, over;
    struct sim_line line; /* as it was before */
    const char *password;
    enum sim_mischief_kind mischief; /* of SIM_FAULT_MISCHIEF; none: any */
};

/* Whether it concerns one node (else all). */
bool sim_fault_has_target(enum sim_fault_kind kind);
/* Sets the fault to begin and to end. */
void sim_fault_arm(struct sim_stage *stage, struct sim_fault *fault);
/* Ends it now if it has begun; else it never will. */
void sim_fault_heal(struct sim_fault *fault);

#endif
