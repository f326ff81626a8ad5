#include "mprof/glyphs.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>

/* What is used of fontconfig, whose interface has been the same since 2.0. */
struct font_set {
    int count, capacity;
    void **fonts;
};

struct glyphs {
    void *library;
    void *config;
    const struct font_set *set;
    int (*get_charset)(const void *font, const char *object, int number, void **charset);
    bool (*has_char)(const void *charset, uint32_t character);
    void (*destroy)(void *config);
};

/* Loaded when a picture needs it: linked, it would cost every mprof 0.9 MiB and 0.4 ms. */
static void *open_library(void)
{
    static const char *const names[] = {"libfontconfig.so.1", "libfontconfig.1.dylib"};
    void *library = NULL;

    for (size_t i = 0; library == NULL && i < sizeof names / sizeof names[0]; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return library;
}

struct glyphs *glyphs_open(int *fonts)
{
    struct glyphs *glyphs = calloc(1, sizeof *glyphs);
    void *(*load)(void);
    const struct font_set *(*get_fonts)(void *config, int which);

    if (glyphs == NULL)
        return NULL;
    glyphs->library = open_library();
    if (glyphs->library != NULL) {
        /*
         * Written through void *: ISO C has no conversion from an object's pointer to a function's.
         */
        *(void **)&load = dlsym(glyphs->library, "FcInitLoadConfigAndFonts");
        *(void **)&get_fonts = dlsym(glyphs->library, "FcConfigGetFonts");
        *(void **)&glyphs->get_charset = dlsym(glyphs->library, "FcPatternGetCharSet");
        *(void **)&glyphs->has_char = dlsym(glyphs->library, "FcCharSetHasChar");
        *(void **)&glyphs->destroy = dlsym(glyphs->library, "FcConfigDestroy");
        if (load != NULL && get_fonts != NULL && glyphs->get_charset != NULL &&
            glyphs->has_char != NULL && glyphs->destroy != NULL)
            glyphs->config = load();
        if (glyphs->config != NULL)
            /* 0 is FcSetSystem: the fonts of the machine. */
            glyphs->set = get_fonts(glyphs->config, 0);
    }
    if (glyphs->config == NULL) {
        glyphs_close(glyphs);
        return NULL;
    }
    *fonts = glyphs->set == NULL ? 0 : glyphs->set->count;
    return glyphs;
}

bool glyphs_can_load(void)
{
    void *program = dlopen(NULL, RTLD_LAZY);

    if (program != NULL)
        dlclose(program);
    return program != NULL;
}

void glyphs_close(struct glyphs *glyphs)
{
    if (glyphs == NULL)
        return;
    if (glyphs->config != NULL)
        glyphs->destroy(glyphs->config);
    if (glyphs->library != NULL)
        dlclose(glyphs->library);
    free(glyphs);
}

bool glyphs_can_show(void *context, uint32_t character)
{
    const struct glyphs *glyphs = context;
    void *charset;

    for (int i = 0; glyphs->set != NULL && i < glyphs->set->count; i++)
        if (glyphs->get_charset(glyphs->set->fonts[i], "charset", 0, &charset) == 0 &&
            glyphs->has_char(charset, character))
            return 1;
    return 0;
}
