/* Plays random programs: see program.h. */
#include "program.h"

#include <string.h>

#include "base/list.h"
#include "client/client_internal.h"
#include "node/connection.h"
#include "recovery.h"
#include "steering.h"

#define RECENT_MAX    16 /* calls that may still be cancelled */
#define EXPTIME_NEVER 0

struct program {
    struct sim_plan *plan;
    struct sim_stage *stage;
    struct sim_event tick;
    struct sim_steering steering;
    struct sim_call *recent[RECENT_MAX];
    uint32_t recent_count;
    uint32_t ticks_left;
    uint64_t cas[SIM_KEYS_MAX];     /* as a gets told it last */
    emc_lease leases[SIM_KEYS_MAX]; /* as a fetch won them */
    uint32_t from_callbacks;        /* calls that callbacks may still make */
    bool destroys_in_callback;
    bool flooding;    /* a noreply would end a quiet run */
    bool floods_long; /* with long values */
    uint64_t closed_ns;
};

static uint32_t draw(const struct program *program, uint32_t low, uint32_t high)
{
    return (uint32_t)sim_between(&program->stage->world, low, high);
}

static bool chance(const struct program *program, uint32_t percent)
{
    return sim_chance(&program->stage->world, percent);
}

/* ------------------------------------------------------------------ one call */

static enum sim_command draw_command(const struct program *program)
{
    static const struct {
        enum sim_command command;
        uint32_t weight;
    } weights[] = {
        {SIM_CALL_GET, 22},           {SIM_CALL_GETS, 6},      {SIM_CALL_GAT, 3},        {SIM_CALL_GATS, 2},
        {SIM_CALL_GET_MANY, 8},       {SIM_CALL_GETS_MANY, 3}, {SIM_CALL_GAT_MANY, 2},   {SIM_CALL_GATS_MANY, 1},
        {SIM_CALL_SET, 20},           {SIM_CALL_ADD, 4},       {SIM_CALL_REPLACE, 3},    {SIM_CALL_APPEND, 3},
        {SIM_CALL_PREPEND, 2},        {SIM_CALL_CAS, 4},       {SIM_CALL_SET_MANY, 3},   {SIM_CALL_DELETE_MANY, 2},
        {SIM_CALL_DELETE, 7},         {SIM_CALL_INCR, 5},      {SIM_CALL_DECR, 3},       {SIM_CALL_TOUCH, 4},
        {SIM_CALL_VERSION, 2},        {SIM_CALL_FLUSH_ALL, 1}, {SIM_CALL_STATS, 1},      {SIM_CALL_VERBOSITY, 1},
        {SIM_CALL_CACHE_MEMLIMIT, 1}, {SIM_CALL_DUMP_KEYS, 1}, {SIM_CALL_META_GET, 4},   {SIM_CALL_META_SET, 4},
        {SIM_CALL_META_DELETE, 1},    {SIM_CALL_META_NOOP, 1}, {SIM_CALL_META_DEBUG, 1}, {SIM_CALL_FETCH, 2},
        {SIM_CALL_FILL, 2},           {SIM_CALL_GIVE_UP, 1},   {SIM_CALL_INVALIDATE, 1}, {SIM_CALL_COUNT, 2}};
    uint32_t total = 0, at;
    bool spoilt = program->plan->theme == SIM_THEME_SPOILT_GETS;
    if ((spoilt || program->plan->theme == SIM_THEME_LABELS) && chance(program, 80)) {
        return chance(program, 80) ? SIM_CALL_GET_MANY : (enum sim_command)draw(program, 0, SIM_CALL_GATS_MANY);
    }
    if (spoilt && chance(program, 70)) {
        return SIM_CALL_SET;
    }
    if (program->plan->quits && chance(program, 4)) {
        return chance(program, 70) ? SIM_CALL_QUIT : SIM_CALL_DUMP_KEYS;
    }
    for (size_t i = 0; i < sizeof weights / sizeof weights[0]; i++) {
        total += weights[i].weight;
    }
    at = draw(program, 0, total - 1);
    for (size_t i = 0;; i++) {
        if (at < weights[i].weight) {
            return weights[i].command;
        }
        at -= weights[i].weight;
    }
}

static uint32_t draw_length(const struct program *program, bool small)
{
    uint32_t largest = program->plan->largest_value;
    if (program->floods_long) {
        return draw(program, 1000, 4000);
    }
    if (small || chance(program, 50)) {
        return draw(program, 0, 60);
    }
    if (chance(program, 60)) {
        return draw(program, 0, 600);
    }
    return draw(program, 0, largest);
}

/* Numbers go to keys of numbers, mostly. */
static uint32_t draw_key(const struct program *program, enum sim_command command)
{
    const struct sim_model *model = &program->stage->model;
    bool wants_number = command == SIM_CALL_INCR || command == SIM_CALL_DECR || command == SIM_CALL_COUNT;
    uint32_t key = draw(program, 0, model->key_count - 1);
    for (int tries = 0; tries < 4 && wants_number && !model->keys[key].numeric; tries++) {
        key = draw(program, 0, model->key_count - 1);
    }
    return key;
}

static void draw_op(const struct program *program, struct sim_op *op, enum sim_command command)
{
    op->key = draw_key(program, command);
    bool concatenates = command == SIM_CALL_APPEND || command == SIM_CALL_PREPEND;
    op->numeric = program->stage->model.keys[op->key].numeric && sim_command_stores(command) && !concatenates &&
                  chance(program, 85);
    if (!sim_command_stores(command)) {
        return;
    }
    op->length = op->numeric ? draw(program, 1, 15)
                             : draw_length(program, command == SIM_CALL_SET_MANY && chance(program, 80));
    if (concatenates) {
        op->length = op->length < SIM_HEADER ? SIM_HEADER : op->length > 3000 ? 3000 : op->length;
    }
    if (command == SIM_CALL_SET_MANY && op->length > 16000) {
        op->length = 16000;
    }
}

static int64_t draw_exptime(const struct program *program, const struct sim_call *call)
{
    bool bounded = program->stage->options.failover == EMC_FAILOVER_GUTTER; /* a touch's number would not get through */
    if (!bounded && (call->command == SIM_CALL_TOUCH || sim_command_touches(call->command))) {
        return chance(program, 80) ? SIM_EXPTIME_BASE + (int64_t)call->ops[0].id : (int64_t)draw(program, 0, 3) - 1;
    }
    int64_t exptime = chance(program, 75) ? EXPTIME_NEVER : (int64_t)draw(program, 0, 4) - 1;
    return call->command == SIM_CALL_COUNT && exptime < 0 ? EXPTIME_NEVER : exptime;
}

static uint32_t draw_timeout(const struct program *program)
{
    static const uint32_t timeouts[] = {1, 5, 20, 100, 500, 2500, EMC_NO_LIMIT};
    return program->plan->peaceful || chance(program, 75) ? EMC_TIMEOUT_DEFAULT : timeouts[draw(program, 0, 6)];
}

static void draw_node_command(const struct program *program, struct sim_call *call)
{
    call->node = draw(program, 0, program->stage->node_count - 1);
    switch (call->command) {
    case SIM_CALL_FLUSH_ALL:
        call->amount = chance(program, 70) ? 0 : draw(program, 1, 3);
        break;
    case SIM_CALL_STATS:
        call->amount = draw(program, 0, 2);
        break;
    case SIM_CALL_CACHE_MEMLIMIT:
        call->amount = draw(program, 8, 64);
        break;
    default:
        call->amount = draw(program, 0, 1);
        break;
    }
}

static bool may_be_noreply(enum sim_command command)
{
    return (sim_command_stores(command) && command != SIM_CALL_SET_MANY && !sim_command_is_meta(command)) ||
           command == SIM_CALL_DELETE || command == SIM_CALL_INCR || command == SIM_CALL_DECR ||
           command == SIM_CALL_TOUCH || command == SIM_CALL_FLUSH_ALL || command == SIM_CALL_VERBOSITY;
}

static uint32_t draw_count(const struct program *program, enum sim_command command)
{
    if (!sim_command_has_keys(command)) {
        return 0;
    }
    if (sim_command_is_bulk(command) && program->plan->theme == SIM_THEME_SPOILT_GETS) {
        return draw(program, 1, 3); /* so that some share a line */
    }
    return sim_command_is_bulk(command) ? draw(program, 0, chance(program, 90) ? 12 : 120) : 1;
}

/* The key's node is known to be down, and nothing may send the operation elsewhere. */
static bool known_down(const struct program *program, const struct sim_call *call)
{
    struct sim_stage *stage = program->stage;
    emc_node_list *list;
    if (call->count != 1 || stage->options.purge_unhealthy_nodes || stage->model.routing_moves ||
        stage->memory.fail_at > 0 || stage->memory.fail_per_mille > 0) {
        return false;
    }
    const struct sim_key *key = &stage->model.keys[call->ops[0].key];
    if (emc_cluster_node_for_key(stage->view, key->bytes, key->length, &list) != EMC_OK) {
        return false;
    }
    emc_node_state state;
    bool down = emc_cluster_node_state(stage->view, &list->nodes[0], &state) == EMC_OK && !state.healthy;
    emc_node_list_destroy(list);
    return down;
}

/* Concatenation by meta has its mode drawn before its value. */
static void draw_meta(const struct program *program, struct sim_call *call)
{
    static const uint32_t wants[] = {0, EMC_META_TTL | EMC_META_SIZE, EMC_META_KEY,
                                     EMC_META_HIT_BEFORE | EMC_META_LAST_ACCESS | EMC_META_KEY};
    call->quiet = chance(program, 20);
    switch (call->command) {
    case SIM_CALL_META_GET:
        call->amount = wants[draw(program, 0, 3)];
        break;
    case SIM_CALL_META_SET:
        call->amount = draw(program, 0, EMC_META_MODE_REPLACE);
        break;
    case SIM_CALL_META_DELETE:
        call->cas = chance(program, 40) ? program->cas[call->ops[0].key] : 0;
        break;
    case SIM_CALL_FETCH:
        call->amount = chance(program, 50) ? 0 : 40;
        break;
    case SIM_CALL_FILL:
    case SIM_CALL_GIVE_UP:
        call->ops[0].lease = program->leases[call->ops[0].key];
        break;
    default:
        call->amount = draw(program, 0, 1000);
        break;
    }
}

static void room_is_told(void *user_data);

static void remember(struct program *program, struct sim_call *call)
{
    program->recent[program->recent_count++ % RECENT_MAX] = call;
}

static void submit_one(struct program *program, enum sim_command command)
{
    struct sim_stage *stage = program->stage;
    struct sim_call *call = sim_model_add_call(&stage->model, command, draw_count(program, command));
    for (uint32_t i = 0; i < call->count; i++) {
        draw_op(program, &call->ops[i], command);
    }
    call->exptime = call->count > 0 ? draw_exptime(program, call) : 0;
    call->timeout_ms = draw_timeout(program);
    call->noreply = may_be_noreply(command) && chance(program, 8) && !program->flooding;
    call->allocates = sim_command_retrieves(command) && chance(program, 40);
    if (sim_command_is_meta(command) && call->count > 0) {
        draw_meta(program, call);
    }
    if (command == SIM_CALL_CAS) {
        uint64_t known = program->cas[call->ops[0].key];
        call->cas = known > 0 && chance(program, 85) ? known : 1 + draw(program, 0, 40);
    }
    if (call->count == 0 && !sim_command_is_bulk(command)) {
        draw_node_command(program, call);
    }
    call->expects_down = known_down(program, call);
    if (sim_stage_submit(stage, call)) {
        remember(program, call);
    } else if (call->refused == EMC_ERROR_FULL) {
        emc_client_on_room(stage->client, room_is_told, program);
    }
}

/* ------------------------------------------------------------------ what callbacks do */

static void note_cas(struct program *program, const struct sim_call *call)
{
    for (uint32_t i = 0; i < call->count && sim_command_gives_cas(call->command); i++) {
        if (call->ops[i].has_value) {
            program->cas[call->ops[i].key] = call->ops[i].cas;
        }
    }
    if (call->command == SIM_CALL_FETCH && call->ops[0].lease.won) {
        program->leases[call->ops[0].key] = call->ops[0].lease;
    }
}

static void cancel_one(const struct program *program)
{
    uint32_t count = program->recent_count < RECENT_MAX ? program->recent_count : RECENT_MAX;
    if (count > 0) {
        sim_stage_cancel(program->stage, program->recent[draw(program, 0, count - 1)]);
    }
}

static void destroy_perhaps(const struct program *program, uint32_t percent, const char *where)
{
    struct sim_stage *stage = program->stage;
    if (program->destroys_in_callback && !stage->closing && chance(program, percent)) {
        sim_trace(&stage->world, "the client is destroyed in %s", where);
        stage->closing = true;
        emc_client_destroy(stage->client);
    }
}

static void act_in_callback(struct program *program)
{
    if (program->from_callbacks > 0) {
        program->from_callbacks--;
        submit_one(program, draw_command(program));
    }
}

static void call_done(struct sim_stage *stage, struct sim_call *call)
{
    struct program *program = stage->program;
    note_cas(program, call);
    if (stage->client == NULL || stage->closing) {
        return;
    }
    if (chance(program, program->plan->refills ? 90 : 10)) {
        act_in_callback(program);
    }
    if (chance(program, 3)) {
        cancel_one(program);
    }
    if (program->plan->steers && program->from_callbacks > 0 && chance(program, 3)) {
        sim_steering_turn(&program->steering);
    }
    destroy_perhaps(program, 5, "a callback");
}

/* Between the results of a bulk call, of stats, of a dump. */
static void call_midway(struct sim_stage *stage, struct sim_call *call)
{
    struct program *program = stage->program;
    if (stage->client == NULL || stage->closing) {
        return;
    }
    destroy_perhaps(program, 2, "the midst of a call");
    if (stage->closing || !chance(program, 6)) {
        return;
    }
    switch (draw(program, 0, 3)) {
    case 0:
        sim_stage_cancel(stage, call);
        break;
    case 1:
        act_in_callback(program);
        break;
    case 2:
        if (program->plan->steers) {
            sim_steering_turn(&program->steering);
        }
        break;
    default:
        cancel_one(program);
        break;
    }
}

static void room_is_told(void *user_data)
{
    struct program *program = user_data;
    if (program->stage->client == NULL || program->stage->closing || program->stage->on_done == NULL) {
        return;
    }
    program->stage->callbacks++;
    act_in_callback(program);
    destroy_perhaps(program, 30, "on_room");
    program->stage->callbacks--;
}

static void event_told(struct sim_stage *stage, const emc_cluster_event *event)
{
    struct program *program = stage->program;
    if (program->plan->steers) {
        sim_steering_hear(&program->steering, event);
    }
    if (stage->client == NULL || stage->closing || stage->on_done == NULL) {
        return;
    }
    stage->callbacks++;
    if (chance(program, 10)) {
        act_in_callback(program);
    }
    if (chance(program, 10)) {
        cancel_one(program);
    }
    destroy_perhaps(program, 20, "an event");
    stage->callbacks--;
}

/* ------------------------------------------------------------------ ticks */

/* Hundreds of small writes in one tick, so that they may go quiet; at times more than one send takes. */
static void submit_flood(struct program *program)
{
    uint32_t count = draw(program, 64, 200);
    program->flooding = true;
    program->floods_long = chance(program, 20);
    while (count-- > 0) {
        submit_one(program, chance(program, 70) ? SIM_CALL_SET : SIM_CALL_DELETE);
    }
    program->flooding = program->floods_long = false;
}

static void look_around(const struct program *program)
{
    struct sim_stage *stage = program->stage;
    emc_pool_metrics metrics;
    const struct sim_node *node = &stage->nodes[draw(program, 0, stage->node_count - 1)];
    emc_cluster_connection_pool_metrics(stage->view, &node->address, &metrics);
    emc_node_list *list;
    if (emc_cluster_healthy_nodes(stage->view, &list) == EMC_OK) {
        emc_node_list_destroy(list);
    }
}

/* The binary protocol's labels have 32 bits: they come round after four thousand million requests, or now. */
static void bring_labels_round(const struct program *program)
{
    const struct emc__list *all = &program->stage->client->engine.connections;
    for (struct emc__link *link = emc__list_first(all); link != NULL; link = emc__list_next(all, link)) {
        struct emc__connection *connection = EMC__CONTAINER_OF(link, struct emc__connection, all);
        if (connection->state == EMC__CONNECTION_READY) {
            connection->next_opaque = UINT32_MAX - draw(program, 0, 10);
        }
    }
}

static void tick(struct sim_event *event)
{
    struct program *program = EMC__CONTAINER_OF(event, struct program, tick);
    struct sim_stage *stage = program->stage;
    if (stage->client == NULL || stage->closing) {
        return;
    }
    if (stage->world.now_ns < stage->transport.paused_until_ns) { /* the program is the client's process */
        sim_event_set(&stage->world, &program->tick, tick, stage->transport.paused_until_ns);
        return;
    }
    if (program->plan->sasl && chance(program, program->plan->theme == SIM_THEME_LABELS ? 70 : 15)) {
        bring_labels_round(program);
    }
    if (chance(program, program->plan->floods ? 25 : 3)) {
        submit_flood(program);
    }
    uint32_t most = chance(program, 80) && program->plan->theme != SIM_THEME_SPOILT_GETS ? 5 : 20;
    for (uint32_t count = draw(program, 1, most); count > 0 && stage->client != NULL; count--) {
        submit_one(program, draw_command(program));
    }
    if (chance(program, 15)) {
        cancel_one(program);
    }
    if (program->plan->steers && stage->client != NULL && chance(program, 70)) {
        sim_steering_turn(&program->steering);
    }
    if (chance(program, 50)) {
        sim_stage_end_tick(stage);
    }
    if (chance(program, 10)) {
        look_around(program);
    }
    if (--program->ticks_left > 0) {
        uint64_t left = program->plan->end_ns > stage->world.now_ns ? program->plan->end_ns - stage->world.now_ns : 0;
        uint64_t pause = emc__random_below(&stage->world.random, 2 * left / (program->ticks_left + 1) + 1);
        sim_event_set(&stage->world, &program->tick, tick, stage->world.now_ns + (chance(program, 20) ? 0 : pause));
    }
}

/* ------------------------------------------------------------------ peace */

static const emc_status peaceful_results[] = {
    EMC_OK, EMC_MISS, EMC_NOT_STORED, EMC_EXISTS, EMC_ERROR_CLIENT, EMC_ERROR_UNSUPPORTED, EMC_ERROR_FULL};

/* A connection was closed because an error came while a noreply was not fenced. */
static bool closed_early(const struct sim_model *model)
{
    for (uint32_t i = 0; i < model->call_count; i++) {
        if (model->calls[i]->status == EMC_ERROR_PROTOCOL) {
            return true;
        }
    }
    return false;
}

/* Where nothing is broken, nothing may fail. */
static void check_peace(const struct program *program)
{
    struct sim_model *model = &program->stage->model;
    if (!program->plan->peaceful || program->stage->options.timeout_ms < 1000 || program->destroys_in_callback) {
        return;
    }
    bool noreplies = false;
    for (uint32_t i = 0; i < model->call_count; i++) {
        noreplies |= model->calls[i]->noreply;
    }
    for (uint32_t i = 0; i < model->call_count; i++) {
        const struct sim_call *call = model->calls[i];
        /* An error line while a noreply is not yet fenced may be the noreply's: the connection is closed, rightly. */
        bool unfenced = (noreplies && call->status == EMC_ERROR_PROTOCOL) ||
                        (call->status == EMC_ERROR_CONNECTION_LOST && closed_early(model));
        bool fine = !call->accepted || call->cancelled || unfenced ||
                    (call->status == EMC_ERROR_SERVER && call->command == SIM_CALL_CACHE_MEMLIMIT);
        fine |= call->status == EMC_ERROR_NO_NODES &&
                sim_stage_discovers(program->stage); /* before the first configuration */
        fine |= call->status == EMC_ERROR_UNKNOWN_NODE && sim_stage_discovers(program->stage);
        fine |= (call->status == EMC_ERROR_CONNECT || call->status == EMC_ERROR_NODE_DOWN ||
                 call->status == EMC_ERROR_NO_NODES) &&
                program->plan->slow; /* short connection timeouts */
        fine |= call->status == EMC_ERROR_TIMEOUT && (program->plan->largest_value > 20000 ||
                                                      program->plan->slow); /* a hundred large values take their time */
        fine |= call->status == EMC_ERROR_TIMEOUT &&
                program->plan
                    ->quits; /* each costs the time of a connection, which may have a dead address to pass by */
        for (size_t j = 0; j < sizeof peaceful_results / sizeof peaceful_results[0]; j++) {
            fine |= call->status == peaceful_results[j];
        }
        if (!fine) {
            sim_problem(model->world, "in peace %s (call %u) ended with %s: %s", sim_command_names[call->command],
                        call->number, emc_status_name(call->status), call->message);
        }
        /* What was written shortly before the close may be lost with it. */
        bool takes_time = program->plan->slow || program->plan->largest_value > 20000;
        uint64_t margin_ns = takes_time ? 5 * (uint64_t)SIM_S : 100 * SIM_MS;
        bool settled = call->completed_ns + margin_ns < program->closed_ns;
        bool lost = settled && call->noreply && call->accepted && call->status == EMC_OK &&
                    sim_command_stores(call->command) && call->ops[0].applied != 1;
        if (lost && !closed_early(model)) {
            sim_problem(model->world, "in peace %s (call %u) with noreply was not carried out",
                        sim_command_names[call->command], call->number);
        }
    }
}

/* Nothing more is asked, and nothing answered by another question. */
static void fall_silent(struct program *program)
{
    program->from_callbacks = 0;
    program->destroys_in_callback = false;
    program->stage->on_done = NULL;
    program->stage->on_midway = NULL;
    sim_event_clear(&program->stage->world, &program->tick);
}

/* ------------------------------------------------------------------ the whole */

static void open_client(struct program *program)
{
    struct sim_stage *stage = program->stage;
    emc_error error = {0};
    emc_status status = sim_stage_open(stage, 0, &error);
    if (status != EMC_OK) {
        sim_problem(&stage->world, "the client can't be created: %s: %s", emc_status_name(status), error.message);
        return;
    }
    sim_event_set(&stage->world, &program->tick, tick,
                  stage->world.now_ns + (chance(program, 50) ? 0 : draw(program, 0, 20000) * SIM_US));
}

void sim_program_play(struct sim_plan *plan)
{
    struct sim_stage *stage = &plan->stage;
    struct program program = {
        .plan = plan, .stage = stage, .ticks_left = plan->ticks, .from_callbacks = plan->refills ? 300 : 30};
    program.destroys_in_callback = chance(&program, 4);
    stage->program = &program;
    stage->on_done = call_done;
    stage->on_midway = call_midway;
    stage->on_event = event_told;
    sim_steering_init(&program.steering, stage, plan->members);
    open_client(&program);
    sim_stage_run(stage, plan->end_ns > stage->world.now_ns ? plan->end_ns - stage->world.now_ns : 0);
    if (chance(&program, 80) && !stage->world.failed && stage->client != NULL) {
        fall_silent(&program);
        sim_recovery_play(plan);
    }
    stage->on_done = NULL;
    stage->on_midway = NULL;
    sim_event_clear(&stage->world, &program.tick);
    if (!stage->world.failed && stage->client != NULL && chance(&program, 70)) {
        sim_stage_run(stage, 100 * SIM_MS);
    }
    if (stage->transport.paused_until_ns > stage->world.now_ns) {
        sim_stage_run(stage, stage->transport.paused_until_ns - stage->world.now_ns);
    }
    program.closed_ns = stage->world.now_ns;
    sim_stage_close(stage);
    sim_trace(&stage->world, "the client is closed");
    sim_stage_run(stage, 50 * SIM_MS); /* what was under way lands */
    if (!stage->world.failed) {
        check_peace(&program);
    }
    stage->program = NULL;
}
