/* SPDX-License-Identifier: MIT */
/*
 * Writes what the documentation says about settings, out of the table that the programs read:
 * confdoc sample | markdown | man. `make settings-docs` renews the three files; a test compares.
 */
#include <err.h>
#include <stdio.h>
#include <string.h>

#include "common/conf_kind.h"

enum { WIDTH = 100, MAN_WIDTH = 79 };

/* The words of a text in lines of at most that many characters and a prefix before each. */
static void put_wrapped(const char *prefix, int width, const char *text)
{
    int column = 0, len;

    while (*text != '\0') {
        len = (int)strcspn(text, " ");
        if (column > 0 && column + 1 + len > width) {
            putchar('\n');
            column = 0;
        }
        column += printf("%s%.*s", column == 0 ? prefix : " ", len, text);
        text += len;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* "number from 0 to 65535", "secret, also as SECRET_FILE, required". */
static void put_form(struct buffer *b, const struct conf_setting *s)
{
    buffer_put_text(b, s->kind->form);
    conf_kind_put_range(b, s);
    if (s->flags & SECRET)
        buffer_printf(b, ", also as %s_FILE", s->name);
    if (s->flags & REQUIRED)
        buffer_put_text(b, ", required");
    buffer_put(b, SPAN("\0"));
    if (buffer_error(b) != 0)
        errx(1, "%s", error_text(buffer_error(b)));
}

static void sample_head(void)
{
    puts(
        "# Settings of mte-api-relay. Made from common/settings_table.h by tools/confdoc.\n"
        "#\n"
        "# The environment has the same settings under upper-case names, and wins over this file.\n"
        "# A value is a string, a whole number, or for a list [ \"a\", \"b\" ]; an empty one is none.\n"
        "# A secret may be in a file of its own: secret_file = \"/path\"; instead of secret.\n"
        "# Check with: mte-api-relayd -t -c FILE");
}

static void sample_row(const struct conf_setting *s, const char *form)
{
    char key[CONF_KEY_LEN];

    conf_setting_key((struct conf_name){ s, false }, key);
    putchar('\n');
    put_wrapped("# ", WIDTH, s->about);
    printf("# (%s)\n#%s = \"%s\";\n", form, key, s->fallback);
}

static void markdown_head(void)
{
    puts(
        "# Settings\n\n"
        "Made from `common/settings_table.h` by `tools/confdoc`; `make settings-docs` renews it.\n\n"
        "Three sources, the later wins: the default, the configuration file, the environment.\n\n"
        "- The file is `-c FILE`, or else `$sysconfdir/mte-api-relay/mte-api-relay.conf`, which may be\n"
        "  absent. Its syntax is libconfig's: `key = value;`, keys are the names below in lower case,\n"
        "  values strings, whole decimal numbers, `true`, `false`; a list may also be `[ \"a\", \"b\" ]`.\n"
        "  Groups and `@include` are refused.\n"
        "- A secret `X` may be in a file of its own, named by `X_FILE` (`x_file` in the configuration\n"
        "  file); one newline at its end is dropped. `X` and `X_FILE` in one source are a mistake; the\n"
        "  environment's wins over the file's, whichever name either has. Such a file must not be empty, but\n"
        "  that of an `X_ALSO` may be, which is no value: so it can be there before it is needed.\n"
        "- A setting whose form is a path of a file stands for what is in that file, at most 1 MiB. Files\n"
        "  are read when the settings are loaded, never later: workers see them as they were checked.\n"
        "- An empty value is the same as none: the earlier source, or the default, stays.\n"
        "- Durations are `500ms`, `30s`, `5m`, `1h`, `1d`; a number alone is seconds. Sizes are `4096`,\n"
        "  `64 KiB`, `16 MiB`, `1 GiB`. No value has a control byte or a line end in it, but for the white\n"
        "  space of JSON.\n"
        "- Every mistake is reported at once, with its place; exit status 78. `-t` only checks.\n"
        "- SIGHUP reads the files again. The environment of a running process cannot change: rotate\n"
        "  secrets through `X_FILE` or the configuration file.\n"
        "- An origin is kept as a browser says it: lower case, no default port. Field names of HEADERS\n"
        "  are kept in lower case. Values of HEADERS may be keys and are shown nowhere.\n\n"
        "| setting | form | default | meaning |\n|---|---|---|---|");
}

static void markdown_row(const struct conf_setting *s, const char *form)
{
    printf("| %s | %s | %s | %s |\n", s->name, form, s->fallback, s->about);
}

static void man_head(void)
{
    puts(".\\\" Made from common/settings_table.h by tools/confdoc.\n"
         ".TH MTE-API-RELAY.CONF 5 2026-11-25 mte-api-relay\n"
         ".SH NAME\n"
         "mte-api-relay.conf \\- settings of mte-api-relay\n"
         ".SH DESCRIPTION\n"
         "Settings of\n"
         ".BR mte-api-relayd (8)\n"
         "come from this file and from the environment, which wins.\n"
         "The file is in the syntax of libconfig, its keys are the names below in lower\n"
         "case; values are strings, whole decimal numbers, true or false, and for lists\n"
         "also [ \"a\", \"b\" ].\n"
         "Groups and @include are refused.\n"
         "An empty value is none.\n"
         ".PP\n"
         "A secret X may be in a file of its own, named by X_FILE; one newline at its end\n"
         "is dropped.\n"
         "Both in one source are a mistake.\n"
         "The file must not be empty, but that of an X_ALSO may be, which is no value.\n"
         "Every file is read when the settings are loaded, never later.\n"
         ".PP\n"
         "Durations are 500ms, 30s, 5m, 1h, 1d; a number alone is seconds.\n"
         "Sizes are 4096, 64 KiB, 16 MiB, 1 GiB.\n"
         ".SH SETTINGS");
}

static void man_row(const struct conf_setting *s, const char *form)
{
    printf(".TP\n.B %s\n(%s", s->name, form);
    if (s->fallback[0] != '\0')
        printf(", default %s", s->fallback);
    puts(")");
    put_wrapped("", MAN_WIDTH, s->about);
}

static const struct {
    const char *name;
    void (*head)(void);
    void (*row)(const struct conf_setting *s, const char *form);
} formats[] = {
    { "sample", sample_head, sample_row },
    { "markdown", markdown_head, markdown_row },
    { "man", man_head, man_row },
};

static void write_all(size_t format)
{
    struct buffer form;

    buffer_init(&form, 0);
    formats[format].head();
    for (size_t i = 0; i < CONF_N_SETTINGS; i++) {
        buffer_clear(&form);
        put_form(&form, &conf_settings[i]);
        formats[format].row(&conf_settings[i], (const char *)buffer_span(&form).at);
    }
    buffer_fini(&form);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof(formats) / sizeof(*formats); i++) {
        if (strcmp(argv[1], formats[i].name) != 0)
            continue;
        write_all(i);
        if (fflush(stdout) != 0 || ferror(stdout))
            err(1, "standard output");
        return 0;
    }
    errx(2, "usage: confdoc sample|markdown|man");
}
