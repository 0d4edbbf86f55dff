/* dial_names_test.c - look-ups in a thread: what is kept how long, who is told, who is not. */
#include "replay/transport/dial_names.h"

#include <netdb.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The world that is asked: a look-up waits for its permission and says what it is told to. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int begun, allowed, ended;
    int code;
    unsigned last_byte; /* of the first of `count` addresses 192.0.2.x */
    size_t count;
} world = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static uint64_t now_us;

static uint64_t test_clock(void)
{
    return now_us;
}

static int look_up(const char *host, struct dial_addresses *ret_addresses)
{
    (void)host;
    pthread_mutex_lock(&world.mutex);
    world.begun++;
    pthread_cond_broadcast(&world.changed);
    while (world.allowed == 0)
        pthread_cond_wait(&world.changed, &world.mutex);
    world.allowed--;
    world.ended++;
    int code = world.code;
    ret_addresses->count = world.count;
    for (size_t i = 0; i < world.count; i++) {
        struct dial_address *address = &ret_addresses->items[i];
        *address = (struct dial_address){.len = sizeof address->v4};
        address->v4.sin_family = AF_INET;
        address->v4.sin_addr.s_addr = htonl(0xc0000200U + world.last_byte + (unsigned)i);
    }
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.mutex);
    return code;
}

static void allow(int code, unsigned last_byte, size_t count)
{
    pthread_mutex_lock(&world.mutex);
    world.code = code;
    world.last_byte = last_byte;
    world.count = count;
    world.allowed++;
    pthread_cond_broadcast(&world.changed);
    pthread_mutex_unlock(&world.mutex);
}

/* Wait until it has come so far; returns how far it is. */
static int await_count(const int *counter, int count)
{
    pthread_mutex_lock(&world.mutex);
    while (*counter < count)
        pthread_cond_wait(&world.changed, &world.mutex);
    int reached = *counter;
    pthread_mutex_unlock(&world.mutex);
    return reached;
}

struct fixture {
    struct loop loop;
    struct dial_names *names;
};

struct asker {
    struct dial_name_wait wait;
    struct dial_name *name;
    struct asker *cancels; /* when it is told */
    int told, code;
};

static void set_up(struct fixture *fixture, uint32_t first_turn)
{
    struct error err;
    now_us = 1000000;
    world.begun = world.allowed = world.ended = 0;
    assert_int_equal(loop_init(&fixture->loop, &err), 0);
    fixture->loop.clock_us = test_clock;
    loop_set_origin(&fixture->loop, 0);
    assert_int_equal(dial_names_open(&fixture->names, &fixture->loop, first_turn, look_up, &err),
                     0);
}

static void tear_down(struct fixture *fixture)
{
    dial_names_close(fixture->names);
    assert_int_equal(fixture->loop.watch_count, 0);
    loop_fini(&fixture->loop);
}

static void on_answer(struct dial_name_wait *wait, void *owner, int code)
{
    struct asker *asker = owner;
    assert_null(wait->link);
    asker->told++;
    asker->code = code;
    if (asker->cancels)
        dial_name_wait_cancel(&asker->cancels->wait);
}

static enum dial_name_state ask(struct fixture *fixture, struct asker *asker)
{
    *asker = (struct asker){.wait = {.answered = on_answer, .owner = asker}};
    return dial_names_ask(fixture->names, bytes_of("shop.test"), &asker->wait, &asker->name,
                          &asker->code);
}

static void move_to(struct fixture *fixture, uint64_t moment_us)
{
    now_us = moment_us;
    loop_refresh(&fixture->loop);
}

/* The last byte of the address that a dial of now would begin with. */
static unsigned first_byte(struct fixture *fixture, struct dial_name *name)
{
    struct dial_addresses addresses;
    dial_name_take(name, fixture->loop.now_us, &addresses);
    assert_true(addresses.count > 0);
    return ntohl(addresses.items[0].v4.sin_addr.s_addr) & 0xff;
}

static void all_who_wait_are_told_by_one_look_up(void **state)
{
    struct fixture fixture;
    struct asker a, b, late;
    (void)state;
    set_up(&fixture, 0);
    assert_int_equal(ask(&fixture, &a), DIAL_NAME_ASKED);
    assert_int_equal(ask(&fixture, &b), DIAL_NAME_ASKED);
    allow(0, 1, 3);
    while (!a.told || !b.told)
        loop_pass(&fixture.loop, 1000000);
    assert_int_equal(a.code, 0);
    assert_int_equal(await_count(&world.begun, 0), 1);
    assert_int_equal(ask(&fixture, &late), DIAL_NAME_KNOWN);
    const unsigned wanted[] = {1, 2, 3, 1, 2};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(first_byte(&fixture, late.name), wanted[i]);
    tear_down(&fixture);
}

static void a_worker_begins_elsewhere_and_failed_addresses_come_last(void **state)
{
    struct fixture fixture;
    struct dial_addresses addresses;
    struct asker a;
    (void)state;
    set_up(&fixture, 2);
    ask(&fixture, &a);
    allow(0, 1, 3);
    while (!a.told)
        loop_pass(&fixture.loop, 1000000);
    dial_name_take(a.name, fixture.loop.now_us, &addresses);
    assert_int_equal(ntohl(addresses.items[0].v4.sin_addr.s_addr) & 0xff, 3);
    dial_address_set_port(&addresses.items[1], 80);
    dial_name_avoid(a.name, &addresses.items[1], fixture.loop.now_us); /* ...1 */
    const unsigned wanted[] = {2, 2, 3, 2};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(first_byte(&fixture, a.name), wanted[i]);
    dial_name_take(a.name, fixture.loop.now_us, &addresses);
    assert_int_equal(addresses.count, 3);
    assert_int_equal(ntohl(addresses.items[2].v4.sin_addr.s_addr) & 0xff, 1);
    move_to(&fixture, now_us + DIAL_AVOID_US);
    assert_int_equal(first_byte(&fixture, a.name), 3);
    assert_int_equal(first_byte(&fixture, a.name), 1);
    tear_down(&fixture);
}

/* Nobody waits while something newer is looked up, and what fails then does no harm. */
static void what_is_old_is_used_until_there_is_something_newer(void **state)
{
    struct fixture fixture;
    struct asker a;
    (void)state;
    set_up(&fixture, 0);
    ask(&fixture, &a);
    allow(0, 1, 1);
    while (!a.told)
        loop_pass(&fixture.loop, 1000000);
    move_to(&fixture, now_us + DIAL_NAME_TTL_US - 1);
    assert_int_equal(ask(&fixture, &a), DIAL_NAME_KNOWN);
    assert_int_equal(await_count(&world.begun, 0), 1);
    move_to(&fixture, now_us + 1);
    assert_int_equal(ask(&fixture, &a), DIAL_NAME_KNOWN);
    assert_int_equal(ask(&fixture, &a), DIAL_NAME_KNOWN); /* one look-up, not two */
    allow(EAI_AGAIN, 0, 0);
    await_count(&world.ended, 2);
    assert_int_equal(first_byte(&fixture, a.name), 1);
    while (ask(&fixture, &a) == DIAL_NAME_KNOWN &&
           await_count(&world.begun, 0) < 3) { /* the failure comes in */
        loop_pass(&fixture.loop, 1000);
        move_to(&fixture, now_us + DIAL_FAILED_NAME_TTL_US);
    }
    allow(0, 9, 1);
    while (first_byte(&fixture, a.name) != 9)
        loop_pass(&fixture.loop, 1000);
    tear_down(&fixture);
}

static void a_failure_is_kept_for_a_second(void **state)
{
    struct fixture fixture;
    struct asker a;
    (void)state;
    set_up(&fixture, 0);
    ask(&fixture, &a);
    allow(EAI_NONAME, 0, 0);
    while (!a.told)
        loop_pass(&fixture.loop, 1000000);
    assert_int_equal(a.code, EAI_NONAME);
    assert_int_equal(ask(&fixture, &a), DIAL_NAME_FAILED);
    assert_int_equal(a.code, EAI_NONAME);
    move_to(&fixture, now_us + DIAL_FAILED_NAME_TTL_US);
    assert_int_equal(ask(&fixture, &a), DIAL_NAME_ASKED);
    allow(0, 1, 1);
    while (!a.told)
        loop_pass(&fixture.loop, 1000000);
    assert_int_equal(a.code, 0);
    tear_down(&fixture);
}

static void who_was_cancelled_is_not_told(void **state)
{
    struct fixture fixture;
    struct asker a, b, c;
    (void)state;
    set_up(&fixture, 0);
    ask(&fixture, &a);
    ask(&fixture, &b);
    ask(&fixture, &c);
    dial_name_wait_cancel(&b.wait);
    dial_name_wait_cancel(&b.wait);
    a.cancels = &c; /* whichever is told first takes the other's turn */
    c.cancels = &a;
    allow(0, 1, 1);
    while (a.told + c.told == 0)
        loop_pass(&fixture.loop, 1000000);
    assert_int_equal(a.told + c.told, 1);
    assert_int_equal(b.told, 0);
    tear_down(&fixture);
}

/* The thread is in the middle of it when everything it would tell is freed. */
static void a_late_answer_finds_nobody_and_touches_nothing(void **state)
{
    struct fixture fixture;
    struct asker a;
    (void)state;
    set_up(&fixture, 0);
    ask(&fixture, &a);
    await_count(&world.begun, 1);
    dial_name_wait_cancel(&a.wait);
    tear_down(&fixture);
    allow(0, 1, 1);
    await_count(&world.ended, 1);
    assert_int_equal(a.told, 0);
}

static void too_many_names_are_refused(void **state)
{
    struct fixture fixture;
    struct dial_name *name;
    struct dial_name_wait waits[DIAL_MAX_NAMES + 1] = {0};
    char host[DIAL_MAX_HOST_BYTES + 1];
    int code;
    (void)state;
    set_up(&fixture, 0);
    for (int i = 0; i <= DIAL_MAX_NAMES; i++) {
        snprintf(host, sizeof host, "host-%d.test", i);
        assert_int_equal(dial_names_ask(fixture.names, bytes_of(host), &waits[i], &name, &code),
                         i < DIAL_MAX_NAMES ? DIAL_NAME_ASKED : DIAL_NAME_REFUSED);
    }
    await_count(&world.begun, 1);
    tear_down(&fixture);
    allow(0, 1, 1); /* the one it is at; the others go unasked */
    await_count(&world.ended, 1);
    assert_int_equal(await_count(&world.begun, 0), 1);
}

static void families_alternate_and_text_is_read(void **state)
{
    static const char *const given[] = {"::1", "::2", "::3", "10.0.0.1", "10.0.0.2"};
    static const char *const wanted[] = {"::1", "10.0.0.1", "::2", "10.0.0.2", "::3"};
    static const char *const no_numbers[] = {"",      "localhost", "127.1",      "1.2.3.4.5",
                                             "[::1]", "::1%none",  "1.2.3.4%lo", "12345::"};
    struct dial_addresses addresses = {.count = 5};
    struct dial_address address;
    char text[DIAL_ADDRESS_TEXT_BYTES];
    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_true(dial_address_parse(bytes_of(given[i]), &addresses.items[i]));
    dial_addresses_interleave(&addresses);
    for (size_t i = 0; i < 5; i++) {
        dial_address_print(&addresses.items[i], text);
        assert_string_equal(text, wanted[i]);
    }
    for (size_t i = 0; i < sizeof no_numbers / sizeof *no_numbers; i++)
        assert_false(dial_address_parse(bytes_of(no_numbers[i]), &address));
    assert_true(dial_address_parse(bytes_of("fe80::1%lo"), &address));
    assert_int_not_equal(address.v6.sin6_scope_id, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_who_wait_are_told_by_one_look_up),
        cmocka_unit_test(a_worker_begins_elsewhere_and_failed_addresses_come_last),
        cmocka_unit_test(what_is_old_is_used_until_there_is_something_newer),
        cmocka_unit_test(a_failure_is_kept_for_a_second),
        cmocka_unit_test(who_was_cancelled_is_not_told),
        cmocka_unit_test(a_late_answer_finds_nobody_and_touches_nothing),
        cmocka_unit_test(too_many_names_are_refused),
        cmocka_unit_test(families_alternate_and_text_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
