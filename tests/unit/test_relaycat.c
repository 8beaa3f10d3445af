/* SPDX-License-Identifier: MIT */
/* relaycat as its users run it, against a relay of the same library that may misbehave. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/envelope.h"
#include "common/fd.h"
#include "tests/unit/relay_double.h"
#include "tests/unit/relays.h"

enum { ANSWERED = 0, FAILED_HERE = 1, NOT_CONNECTED = 2, REFUSED = 3, VIOLATION = 4, STATUS = 22 };

/* One run: what goes in, and what came out. */
struct run {
    struct span in; /* standard input */
    int status;
    struct buffer out, err;
};

static void run_fini(struct run *run)
{
    buffer_fini(&run->out);
    buffer_fini(&run->err);
}

static int memory_with(struct span content)
{
    int fd = memfd_create("test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, content), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void read_back(int fd, struct buffer *to)
{
    buffer_init(to, 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(fd_read_all(fd, SIZE_MAX, to), 0);
    close(fd);
}

/* words: the arguments up to a NULL, "URL" standing for the relay's. */
static void run(struct run *run, const struct relay_double *relay, const char *const *words)
{
    int fds[] = { memory_with(run->in), memory_with(SPAN_NONE), memory_with(SPAN_NONE) };
    char url[64], *argv[32] = { NULL };
    size_t n = 0;
    pid_t pid;

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/base/", relay->port);
    argv[n++] = strdup("relaycat");
    for (; *words != NULL && n < 31; words++)
        argv[n++] = strdup(strcmp(*words, "URL") == 0 ? url : *words);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        for (int i = 0; i < 3; i++)
            dup2(fds[i], i);
        execv("tools/relaycat", argv);
        _exit(127);
    }
    while (n > 0)
        free(argv[--n]);
    assert_int_equal(waitpid(pid, &run->status, 0), pid);
    assert_true(WIFEXITED(run->status));
    run->status = WEXITSTATUS(run->status);
    close(fds[0]);
    read_back(fds[1], &run->out);
    read_back(fds[2], &run->err);
}

#define RUN(r, relay, ...) run(r, relay, (const char *const[]){ __VA_ARGS__, NULL })

static size_t count(const struct buffer *text, const char *word)
{
    struct span rest = buffer_span(text);
    const uint8_t *at;
    size_t n = 0;

    while (rest.len > 0 && (at = memmem(rest.at, rest.len, word, strlen(word))) != NULL) {
        rest = span_from(rest, (size_t)(at - rest.at) + 1);
        n++;
    }
    return n;
}

static bool has(const struct buffer *text, const char *word)
{
    return count(text, word) > 0;
}

/* What it said instead is worth more than two numbers. */
static void assert_status(const struct run *run, int expected)
{
    if (run->status != expected)
        print_error("%.*s", SPAN_PRINT(buffer_span(&run->err)));
    assert_int_equal(run->status, expected);
}

static void assert_text(const struct buffer *text, const char *expected)
{
    if (!span_equal(buffer_span(text), span_text(expected)))
        print_error("%.*s", SPAN_PRINT(buffer_span(text)));
    assert_true(span_equal(buffer_span(text), span_text(expected)));
}

/* The status of a plain request to a relay of that script, and what is said about it. */
static void expect(const struct relay_script *script, int status, const char *said)
{
    struct relay_double relay;
    struct run r = { .in = SPAN("body") };

    relay_double_start(script, &relay);
    RUN(&r, &relay, "--timeout", "2s", "-d", "@-", "URL", "/");
    if (r.status != status || !has(&r.err, said))
        print_error("misdeed %d: %.*s\n", script->misdeed, SPAN_PRINT(buffer_span(&r.err)));
    assert_status(&r, status);
    assert_true(has(&r.err, said));
    relay_double_stop(&relay);
    run_fini(&r);
}

/* ---- laws ---- */

static void what_is_asked_is_what_arrives(void **state)
{
    struct relay_double relay;
    struct run r = { .in = SPAN_NONE };

    (void)state;
    relay_double_start(&(struct relay_script){ .pads = true }, &relay);
    RUN(&r, &relay, "-i", "-X", "PATCH", "-H", "X-One: a b", "-H", "x-one:", "--authority",
        "api.example", "-d", "the body", "URL", "/p/%20?q=1");
    assert_status(&r, ANSWERED);
    assert_text(&r.out, "HTTP 200\nx-saw: PATCH api.example /p/%20?q=1 0\nx-one: a b\nx-one: \n"
                        "content-length: 8\n\nthe body");
    assert_int_equal(buffer_len(&r.err), 0);
    run_fini(&r);
    RUN(&r, &relay, "URL", "/bytes/3", "-i", "--mte", "--authority", "");
    assert_text(&r.out, "HTTP 200\nx-saw: GET  /bytes/3 0\ncontent-length: 3\n\nbbb");
    run_fini(&r);
    relay_double_stop(&relay);
}

static void every_length_comes_back_whole(void **state)
{
    static const size_t lengths[] = { 0, 1, 16383, 16384, 16385, 60000, 1 << 20, 16 << 20 };
    static const size_t chunks[] = { 0, 1 << 20, 977 };
    uint8_t *bytes = malloc(16 << 20);
    struct relay_double relay;
    struct run r;

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < 16 << 20; i++)
        bytes[i] = (uint8_t)(i * 2654435761u >> 24);
    for (int i = 0; i < 3; i++) {
        relay_double_start(&(struct relay_script){ .chunk = chunks[i] }, &relay);
        for (int k = 0; k < 8; k++) {
            bool mte = lengths[k] <= 60000 && k % 2 == i % 2;
            const char *suite = (i + k / 2) % 2 == 0 ? "aes" : "chacha";

            r = (struct run){ .in = span_of(bytes, lengths[k]) };
            RUN(&r, &relay, "--suite", suite, "-d", "@-", "URL", "/", mte ? "--mte" : NULL);
            assert_status(&r, ANSWERED);
            assert_int_equal(buffer_len(&r.out), lengths[k]);
            assert_true(span_equal(buffer_span(&r.out), r.in));
            run_fini(&r);
        }
        relay_double_stop(&relay);
    }
    free(bytes);
}

static void a_response_too_long_for_a_token_comes_as_a_stream(void **state)
{
    struct relay_double relay;
    struct run r = { .in = SPAN_NONE };

    (void)state;
    relay_double_start(&(struct relay_script){ .chunk = 1 }, &relay);
    RUN(&r, &relay, "-v", "--mte", "URL", "/bytes/70000");
    assert_status(&r, ANSWERED);
    assert_int_equal(buffer_len(&r.out), 70000);
    assert_true(has(&r.err, "> frame 0  TOKEN END  528 bytes\n"));
    assert_true(has(&r.err, "< frame 0  HEAD  "));
    run_fini(&r);
    relay_double_stop(&relay);
}

static void an_api_may_say_no(void **state)
{
    struct relay_double relay;
    struct run r = { .in = SPAN_NONE };

    (void)state;
    relay_double_start(&(struct relay_script){ .misdeed = HONEST }, &relay);
    RUN(&r, &relay, "URL", "/status/404");
    assert_status(&r, ANSWERED);
    run_fini(&r);
    RUN(&r, &relay, "-f", "-d", "why", "URL", "/status/404");
    assert_status(&r, STATUS);
    assert_text(&r.out, "why");
    run_fini(&r);
    RUN(&r, &relay, "-f", "URL", "/status/399");
    assert_status(&r, ANSWERED);
    run_fini(&r);
    RUN(&r, &relay, "-X", "HEAD", "-i", "URL", "/");
    assert_status(&r, ANSWERED); /* though no body of that content-length comes */
    assert_true(has(&r.out, "content-length: 1000\n"));
    run_fini(&r);
    relay_double_stop(&relay);
}

static void counters_rise_under_one_pair(void **state)
{
    struct relay_double relay;
    struct run r = { .in = SPAN_NONE };

    (void)state;
    relay_double_start(&(struct relay_script){ .misdeed = HONEST }, &relay);
    RUN(&r, &relay, "-i", "-v", "--repeat", "3", "URL", "/");
    assert_status(&r, ANSWERED);
    assert_true(has(&r.out, "/ 0\n") && has(&r.out, "/ 1\n") && has(&r.out, "/ 2\n"));
    assert_false(has(&r.out, "/ 3\n"));
    assert_int_equal(count(&r.err, "> M1, "), 1);
    assert_int_equal(count(&r.err, "> REQ, "), 3);
    run_fini(&r);
    relay_double_stop(&relay);
}

static void every_refusal_is_named(void **state)
{
    (void)state;
    for (enum errframe_code code = ERRFRAME_REJECT; code <= ERRFRAME_REFUSED; code++) {
        expect(&(struct relay_script){ .refuse_pair = code }, REFUSED, errframe_name(code));
        expect(&(struct relay_script){ .refuse_message = code }, REFUSED, errframe_name(code));
    }
}

static void nothing_false_is_believed(void **state)
{
    static const struct {
        enum misdeed misdeed;
        const char *said;
    } rows[] = {
        { PAIR_M2_FLIPPED, "M2: authentication failed" },
        { PAIR_M2_SHORT, "M2: malformed input" },
        { PAIR_WITH_OTHER_SECRET, "is SECRET that of the relay?" },
        { ANSWER_FLIPPED, "authentication failed" },
        { ANSWER_WITHOUT_END, "the response broke off" },
        { ANSWER_CUT, "closed by the other side" },
        { ANSWER_OF_ANOTHER, "authentication failed" },
        { ANSWER_AND_MORE, "malformed input" },
        { ANSWER_TOO_SHORT, "content-length says 5, the body has 4 bytes" },
        { ANSWER_BY_M2, "is it a relay?" },
        { REFUSAL_FORGED, "forged" },
        { REFUSAL_OF_ANOTHER, "forged" },
        { HTTP_502, "HTTP 502" },
        { HTTP_HTML, "\"text/html\"" },
        { HTTP_TWO_LENGTHS, "a content-length that is not one number" },
        { HTTP_LENGTH_AND_CHUNKED, "both" },
        { HTTP_NO_FRAMING, "neither" },
        { HTTP_BARE_LF, "stray" },
        { HTTP_FOLDED, "no field" },
        { HTTP_BYTES_AFTER, "more bytes" },
        { HTTP_ENDLESS_HEAD, "over a limit" },
        { HTTP_SILENT, "took too long" },
        { HTTP_CLOSED, "closed by the other side" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        expect(&(struct relay_script){ .misdeed = rows[i].misdeed }, VIOLATION, rows[i].said);
}

static void a_chunked_answer_is_read_to_the_letter(void **state)
{
    const struct relay_script bad = { .misdeed = HTTP_BAD_CHUNK, .chunk = 10 };
    const struct relay_script overlong = { .misdeed = HTTP_LONG_CHUNK, .chunk = 10 };
    const struct relay_script endless = { .misdeed = HTTP_NO_LAST_CHUNK, .chunk = 10 };
    const struct relay_script cut = { .misdeed = ANSWER_CUT, .chunk = 10 };

    (void)state;
    expect(&bad, VIOLATION, "a chunk size that is none");
    expect(&overlong, VIOLATION, "a chunk longer than its size");
    expect(&endless, VIOLATION, "closed by the other side");
    expect(&cut, VIOLATION, "broke off");
}

static void an_answer_before_the_end_of_the_request_is_read(void **state)
{
    size_t len = 16 << 20;
    struct relay_double relay;
    struct run r = { .in = span_of(calloc(1, len), len) };

    (void)state;
    assert_non_null(r.in.at);
    relay_double_start(&(struct relay_script){ .misdeed = HTTP_EARLY_413 }, &relay);
    RUN(&r, &relay, "-d", "@-", "URL", "/");
    assert_status(&r, VIOLATION);
    assert_true(has(&r.err, "HTTP 413"));
    relay_double_stop(&relay);
    free((void *)(uintptr_t)r.in.at);
    run_fini(&r);
}

static void saved_bytes_are_sent_as_they_are(void **state)
{
    char path[] = "/tmp/relaycat.XXXXXX";
    const struct relay_script forgetful = { .refuse_message = ERRFRAME_UNKNOWN_PAIR };
    struct relay_double relay, other;
    struct envelope_request request;
    struct run r = { .in = SPAN_NONE };
    int fd = mkstemp(path);

    (void)state;
    relay_double_start(&(struct relay_script){ .misdeed = HONEST }, &relay);
    RUN(&r, &relay, "--save", path, "URL", "/");
    assert_status(&r, ANSWERED);
    assert_int_equal(buffer_len(&r.out), 0);
    run_fini(&r);
    read_back(fd, &r.out);
    assert_int_equal(envelope_read_request(buffer_span(&r.out), &request), 0);
    buffer_fini(&r.out);
    for (int i = 0; i < 2; i++) {
        RUN(&r, &relay, "--send", path, "URL");
        assert_status(&r, ANSWERED);
        assert_text(&r.out, "answered\n");
        run_fini(&r);
    }
    relay_double_start(&forgetful, &other);
    RUN(&r, &other, "--send", path, "URL");
    assert_status(&r, REFUSED);
    assert_text(&r.out, "UNKNOWN_PAIR\n");
    run_fini(&r);
    relay_double_stop(&other);
    relay_double_stop(&relay);
    unlink(path);
}

static void the_handshake_is_shown_without_a_secret(void **state)
{
    struct relay_double relay;
    struct run r = { .in = SPAN_NONE };

    (void)state;
    relay_double_start(&(struct relay_script){ .pads = true }, &relay);
    RUN(&r, &relay, "-v", "--suite", "chacha", "-d", "in the body", "URL", "/in/the/path");
    assert_status(&r, ANSWERED);
    assert_true(has(&r.err, "> M1, 1356 bytes\n>      0    1  version        1\n"));
    assert_true(has(&r.err, ">      2    2  suites         chacha, none\n"));
    assert_true(has(&r.err, ">     36   40  client token   none yet\n"));
    assert_true(has(&r.err, ">   1324   32  mac1           ...\n"));
    assert_true(has(&r.err, "< M2, 1260 bytes\n"));
    assert_true(has(&r.err, "<     28    4  lifetime, s    3600\n"));
    assert_true(has(&r.err, "<   1228   32  mac2           ...\n"));
    assert_true(has(&r.err, "suite chacha, skew +") && has(&r.err, "max body 16777216 bytes"));
    assert_true(has(&r.err, "> REQ, 52 bytes\n") && has(&r.err, "< RSP, 28 bytes\n"));
    assert_true(has(&r.err, "> frame 1  DATA END  27 bytes\n"));
    assert_true(has(&r.err, "< frame 0  PAD  "));
    assert_true(has(&r.err, "* pair: ") && has(&r.err, "* seal: ") && has(&r.err, "* answer: "));
    assert_false(has(&r.err, RELAYS_SECRET) || has(&r.err, RELAYS_CLIENT_SECRET_I));
    assert_false(has(&r.err, "in the body") || has(&r.err, "/in/the/path"));
    run_fini(&r);
    relay_double_stop(&relay);
}

static void secrets_come_from_files_too(void **state)
{
    char path[] = "/tmp/relaycat.XXXXXX";
    struct relay_double relay;
    struct run r = { .in = SPAN_NONE };
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(fd_write_all(fd, SPAN(RELAYS_SECRET "\n")), 0);
    relay_double_start(&(struct relay_script){ .misdeed = HONEST }, &relay);
    setenv("SECRET_FILE", path, 1);
    RUN(&r, &relay, "URL", "/");
    assert_status(&r, FAILED_HERE);
    assert_true(has(&r.err, "SECRET and SECRET_FILE: which of them?"));
    run_fini(&r);
    unsetenv("SECRET");
    RUN(&r, &relay, "URL", "/");
    assert_status(&r, ANSWERED);
    run_fini(&r);
    assert_int_equal(ftruncate(fd, 0), 0);
    RUN(&r, &relay, "URL", "/");
    assert_status(&r, FAILED_HERE);
    assert_true(has(&r.err, "SECRET_FILE: the file is empty"));
    run_fini(&r);
    unsetenv("SECRET_FILE");
    RUN(&r, &relay, "URL", "/");
    assert_status(&r, VIOLATION);
    assert_true(has(&r.err, "SECRET is empty"));
    run_fini(&r);
    setenv("SECRET", RELAYS_SECRET, 1);
    relay_double_stop(&relay);
    close(fd);
    unlink(path);
}

static void what_cannot_be_asked_is_not_tried(void **state)
{
    static const char *const wrong[][5] = {
        { "URL" },
        { "URL", "no-slash" },
        { "URL", "/a b" },
        { "URL", "/", "one-more" },
        { "https://127.0.0.1/", "/" },
        { "ftp://127.0.0.1/", "/" },
        { "-X", "CONNECT", "URL", "/" },
        { "-H", "no colon", "URL", "/" },
        { "-H", "connection: close", "URL", "/" },
        { "--authority", "a/b", "URL", "/" },
        { "--suite", "des", "URL", "/" },
        { "--repeat", "0", "URL", "/" },
        { "--timeout", "soon", "URL", "/" },
        { "-d", "@/no/such/file", "URL", "/" },
        { "--nonsense", "URL", "/" },
    };
    const struct relay_double nobody = { .port = 1 };
    struct run r = { .in = SPAN_NONE };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        run(&r, &nobody, wrong[i]);
        assert_status(&r, FAILED_HERE);
        assert_true(has(&r.err, "relaycat: "));
        run_fini(&r);
    }
    RUN(&r, &nobody, "URL", "/");
    assert_status(&r, NOT_CONNECTED);
    run_fini(&r);
    RUN(&r, &nobody, "--help");
    assert_status(&r, ANSWERED);
    run_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_is_what_arrives),
        cmocka_unit_test(every_length_comes_back_whole),
        cmocka_unit_test(a_response_too_long_for_a_token_comes_as_a_stream),
        cmocka_unit_test(an_api_may_say_no),
        cmocka_unit_test(counters_rise_under_one_pair),
        cmocka_unit_test(every_refusal_is_named),
        cmocka_unit_test(nothing_false_is_believed),
        cmocka_unit_test(a_chunked_answer_is_read_to_the_letter),
        cmocka_unit_test(an_answer_before_the_end_of_the_request_is_read),
        cmocka_unit_test(saved_bytes_are_sent_as_they_are),
        cmocka_unit_test(the_handshake_is_shown_without_a_secret),
        cmocka_unit_test(secrets_come_from_files_too),
        cmocka_unit_test(what_cannot_be_asked_is_not_tried),
    };

    setenv("SECRET", RELAYS_SECRET, 1);
    setenv("CLIENT_ID_SECRET", RELAYS_CLIENT_SECRET_I, 1);
    unsetenv("SECRET_FILE");
    unsetenv("CLIENT_ID_SECRET_FILE");
    unsetenv("UPSTREAM");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
