/* SPDX-License-Identifier: MIT */
/* Reads a line of words and does what it says. Answers with one JSON object: "ok", and else "error"
 * with a sentence. Knows no client. */
#include "master/command.h"

#include "common/board_print.h"
#include "common/json.h"
#include "common/message.h"
#include "common/url.h"
#include "master/supervisor.h"

static void refuse(struct buffer *out, const char *why)
{
    buffer_put_text(out, "{\"ok\":false,\"error\":");
    json_put_string(out, span_text(why));
    buffer_put_text(out, "}\n");
}

static bool run_status(struct supervisor *s, struct span word, struct buffer *out)
{
    (void)word;
    board_print(supervisor_memory(s), out);
    return true;
}

static bool run_reload(struct supervisor *s, struct span word, struct buffer *out)
{
    (void)word;
    if (supervisor_reload(s) == 0)
        return false; /* the answer comes with the end of it */
    refuse(out, "the relay is about to stop");
    return true;
}

static bool stop(struct supervisor *s, bool at_once, struct buffer *out)
{
    buffer_put_text(out, "{\"ok\":true}\n");
    supervisor_stop(s, at_once);
    return true;
}

static bool run_drain(struct supervisor *s, struct span word, struct buffer *out)
{
    (void)word;
    return stop(s, false, out);
}

static bool run_stop(struct supervisor *s, struct span word, struct buffer *out)
{
    (void)word;
    return stop(s, true, out);
}

static bool run_log_level(struct supervisor *s, struct span word, struct buffer *out)
{
    enum log_level level;

    if (log_level_parse(word, &level) != 0)
        refuse(out, "a level is trace, debug, info, warning, error, panic or off");
    else
        buffer_printf(out, "{\"ok\":true,\"workers\":%zu}\n", supervisor_set_log_level(s, level));
    return true;
}

static bool run_forget(struct supervisor *s, struct span word, struct buffer *out)
{
    struct message forget = { .kind = MESSAGE_FORGET };
    const char *why;
    struct url url;

    if (url_parse(word, &url, &why) != 0 || url_hash(&url, &forget.numbers[0]) != 0)
        refuse(out, "that is not the URL of a peer, as http://relay.example.com:8080");
    else
        buffer_printf(out, "{\"ok\":true,\"workers\":%zu}\n", supervisor_tell(s, &forget));
    return true;
}

static const struct command {
    const char *word;
    size_t n_words;
    bool (*run)(struct supervisor *s, struct span word, struct buffer *out);
} commands[] = {
#define COMMAND_ROW(name, word, n_words, about) { word, n_words, run_##name },
#include "master/command_table.h"
#undef COMMAND_ROW
};

static const struct command *find(struct span word)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (span_equal(word, span_text(commands[i].word)))
            return &commands[i];
    }
    return NULL;
}

bool command_run(void *supervisor, struct span line, struct buffer *out)
{
    struct span rest = line, word = span_cut(&rest, ' ');
    const struct command *command = find(word);

    if (command == NULL)
        refuse(out, "there is no such command");
    else if ((command->n_words == 0) != (rest.at == NULL))
        refuse(out, command->n_words == 0 ? "this command stands alone"
                                          : "this command wants one word more");
    else
        return command->run(supervisor, rest, out);
    return true;
}
