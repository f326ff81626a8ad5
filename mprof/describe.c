#include "mprof/describe.h"

#include "plots/json_text.h"

/* "key": "text", or null; a comma where another member follows. */
static void member(FILE *out, const char *key, const char *text, const char *behind)
{
    fprintf(out, "\"%s\": ", key);
    if (text != NULL)
        json_text_string(out, text);
    else
        fputs("null", out);
    fputs(behind, out);
}

static void describe_option(FILE *out, const struct option_spec *spec)
{
    char letter[2] = {spec->letter, '\0'};

    fputs("{", out);
    member(out, "letter", spec->letter != 0 ? letter : NULL, ", ");
    member(out, "name", spec->name, ", ");
    member(out, "argument", spec->argument, ", ");
    member(out, "help", spec->help, "}");
}

static void describe_options(FILE *out, const struct command *self)
{
    const struct option_spec *spec;

    fputs("\"options\": [", out);
    for (size_t i = 0; (spec = command_option(self, i)) != NULL; i++) {
        describe_option(out, spec);
        fputs(",\n", out);
    }
    for (size_t i = 0; i < COMMAND_COMMON; i++) {
        describe_option(out, &command_common[i]);
        fputs(i + 1 < COMMAND_COMMON ? ",\n" : "]", out);
    }
}

void describe_commands(FILE *out, const struct command *const *commands, size_t count)
{
    fputs("[", out);
    for (size_t i = 0; i < count; i++) {
        fputs("{", out);
        member(out, "name", commands[i]->name, ", ");
        member(out, "arguments", commands[i]->arguments, ", ");
        member(out, "summary", commands[i]->summary, ",\n");
        member(out, "notes", commands[i]->notes, ",\n");
        describe_options(out, commands[i]);
        fputs(i + 1 < count ? "},\n" : "}]\n", out);
    }
}
