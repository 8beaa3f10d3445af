/* SPDX-License-Identifier: MIT */
/* Log lines: one write each, never longer than 4096 bytes, never more than one line, never
 * blocking. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"

/* A pipe of packets: each read gives what one write has given. */
struct lines {
    int ends[2];
    char text[8192];
};

static int open_lines(void **state)
{
    static struct lines lines;

    if (pipe2(lines.ends, O_DIRECT | O_NONBLOCK | O_CLOEXEC) < 0)
        return -1;
    log_open(lines.ends[1], LOG_LEVEL_INFO, "test");
    *state = &lines;
    return 0;
}

static int close_lines(void **state)
{
    struct lines *lines = *state;

    log_open(STDERR_FILENO, LOG_LEVEL_INFO, "start");
    fd_close(&lines->ends[0]);
    fd_close(&lines->ends[1]);
    return 0;
}

/* The next line, or NULL where there is none. */
static const char *next(struct lines *lines)
{
    ssize_t n = read(lines->ends[0], lines->text, sizeof(lines->text) - 1);

    if (n < 0)
        return NULL;
    lines->text[n] = '\0';
    return lines->text;
}

static void a_line_says_when_how_grave_and_who(void **state)
{
    char now[CLOCK_TEXT_LEN], want[128];
    const char *line;

    log_warning("disk is full path=%s free=%d", "/var", 0);
    line = next(*state);
    assert_non_null(line);
    clock_text(clock_wall_ms(), now);
    assert_memory_equal(line, now, strlen("2026-01-31T"));
    snprintf(want, sizeof(want), " warning test[%d]: disk is full path=/var free=0\n",
             (int)getpid());
    assert_string_equal(line + CLOCK_TEXT_LEN - 1, want);
    assert_null(next(*state));
}

static void what_is_below_the_level_is_not_written(void **state)
{
    struct lines *lines = *state;

    for (int level = LOG_LEVEL_TRACE; level <= LOG_LEVEL_OFF; level++) {
        log_open(lines->ends[1], (enum log_level)level, "test");
        for (int of = LOG_LEVEL_TRACE; of < LOG_LEVEL_OFF; of++) {
            assert_int_equal(log_wants((enum log_level)of), of >= level);
            log_line((enum log_level)of, "hello");
            assert_int_equal(next(lines) != NULL, of >= level);
        }
        log_line(LOG_LEVEL_OFF, "nobody asks for this");
        assert_null(next(lines));
    }
}

static void a_new_level_changes_nothing_else(void **state)
{
    log_set_level(LOG_LEVEL_ERROR);
    log_warning("hidden");
    assert_null(next(*state));
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("shown");
    assert_non_null(strstr(next(*state), " test["));
}

static void a_peers_bytes_cannot_begin_a_line_or_drive_a_terminal(void **state)
{
    char bytes[256];
    const char *line, *end;

    for (int i = 0; i < 255; i++)
        bytes[i] = (char)(i + 1);
    bytes[255] = '\0';
    log_info("peer said %s", bytes);
    line = next(*state);
    assert_non_null(line);
    end = line + strlen(line) - 1;
    assert_int_equal(*end, '\n');
    for (; line < end; line++)
        assert_in_range((unsigned char)*line, 0x20, 0x7e);
    assert_null(next(*state));
}

static void a_line_of_any_length_is_cut_at_4096_bytes_and_says_so(void **state)
{
    static char long_text[9000];
    size_t head, longest = 0;
    const char *line;

    log_info("%s", "");
    line = next(*state);
    assert_non_null(line);
    head = strlen(line) - 1;
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (size_t len = 4096 - head - 8; len < 4096 - head + 8; len++) {
        bool is_cut;

        log_info("%.*s", (int)len, long_text);
        line = next(*state);
        assert_non_null(line);
        is_cut = strstr(line, "...") != NULL;
        assert_int_equal(is_cut, strlen(line) != head + len + 1);
        assert_int_equal(line[strlen(line) - 1], '\n');
        if (strlen(line) > longest)
            longest = strlen(line);
    }
    assert_in_range(longest, 4090, 4096);
    log_info("%s", long_text);
    assert_non_null(next(*state));
    assert_true(strlen(((struct lines *)*state)->text) <= 4096);
    assert_null(next(*state));
}

static void a_line_of_json_has_the_fields_beside_time_level_and_process(void **state)
{
    char now[CLOCK_TEXT_LEN], want[256];
    const char *line;

    log_set_format(LOG_FORMAT_JSON);
    log_warning("disk is \"%s\" path=%s free=%d", "full", "/var", 0);
    log_set_format(LOG_FORMAT_TEXT);
    line = next(*state);
    assert_non_null(line);
    clock_text(clock_wall_ms(), now);
    snprintf(want, sizeof(want), "{\"time\":\"%.10s", now);
    assert_memory_equal(line, want, strlen(want));
    snprintf(want, sizeof(want),
             ",\"level\":\"warning\",\"process\":\"test\",\"pid\":%d,"
             "\"message\":\"disk is \\\"full\\\"\",\"path\":\"/var\",\"free\":0}\n",
             (int)getpid());
    assert_string_equal(strstr(line, ",\"level\""), want);
    assert_null(next(*state));
}

static void a_long_sentence_leaves_room_for_its_fields(void **state)
{
    static char long_text[9000];
    const char *line;

    memset(long_text, '"', sizeof(long_text) - 1);
    log_set_format(LOG_FORMAT_JSON);
    log_info("%s code=%s n=%d", long_text, "why", 1);
    log_set_format(LOG_FORMAT_TEXT);
    line = next(*state);
    assert_non_null(line);
    assert_in_range(strlen(line), 2048, 4096);
    assert_null(next(*state));
    log_set_format(LOG_FORMAT_JSON);
    long_text[3000] = '\0';
    log_info("%s code=%s n=%d", long_text, "why", 1);
    log_set_format(LOG_FORMAT_TEXT);
    assert_non_null(strstr(next(*state), "...\",\"code\":\"why\",\"n\":1}\n"));
}

static void a_full_pipe_drops_and_counts(void **state)
{
    uint64_t before = log_n_dropped();
    size_t n_written = 0, n_read = 0;

    while (log_n_dropped() == before) {
        log_info("filling");
        n_written++;
    }
    log_info("this one too");
    assert_int_equal(log_n_dropped() - before, 2);
    while (next(*state) != NULL)
        n_read++;
    assert_int_equal(n_read, n_written - 1);
    log_info("there is room again");
    assert_int_equal(log_n_dropped() - before, 2);
}

static void a_long_name_is_cut(void **state)
{
    struct lines *lines = *state;
    const char *line;

    log_open(lines->ends[1], LOG_LEVEL_INFO,
             "a name that is much longer than anybody would choose");
    log_info("hello");
    line = next(lines);
    assert_non_null(line);
    assert_non_null(strstr(line, " a name that is much longer than["));
}

static void every_level_has_its_words(void **state)
{
    enum log_level level;

    (void)state;
#define LOG_ROW(name, word, alias, severity)                                                       \
    level = LOG_LEVEL_OFF;                                                                         \
    assert_int_equal(log_level_parse(SPAN(word), &level), 0);                                      \
    assert_int_equal(level, name);                                                                 \
    assert_int_equal(log_level_parse(SPAN(alias), &level), 0);                                     \
    assert_int_equal(level, name);
#include "common/log_table.h"
#undef LOG_ROW
    assert_int_equal(log_level_parse(SPAN("WARN"), &level), 0);
    assert_int_equal(level, LOG_LEVEL_WARNING);
    assert_int_equal(log_level_parse(SPAN("loud"), &level), ERR_FORMAT);
    assert_int_equal(log_level_parse(SPAN("info "), &level), ERR_FORMAT);
    assert_int_equal(log_level_parse(SPAN_NONE, &level), ERR_FORMAT);
}

#define WITH_LINES(test) cmocka_unit_test_setup_teardown(test, open_lines, close_lines)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LINES(a_line_says_when_how_grave_and_who),
        WITH_LINES(what_is_below_the_level_is_not_written),
        WITH_LINES(a_new_level_changes_nothing_else),
        WITH_LINES(a_peers_bytes_cannot_begin_a_line_or_drive_a_terminal),
        WITH_LINES(a_line_of_any_length_is_cut_at_4096_bytes_and_says_so),
        WITH_LINES(a_line_of_json_has_the_fields_beside_time_level_and_process),
        WITH_LINES(a_long_sentence_leaves_room_for_its_fields),
        WITH_LINES(a_full_pipe_drops_and_counts),
        WITH_LINES(a_long_name_is_cut),
        cmocka_unit_test(every_level_has_its_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
